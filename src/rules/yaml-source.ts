import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
} from "yaml";

/** Something that is wrong in a configuration file: where (from 1), and a sentence that says what to do. */
export interface ConfigurationError {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** A YAML file as plain data, with the way back from data to its place in the text. */
export interface YamlSource {
  readonly data: unknown;
  /** The error at a path of the data, or at the deepest part of the path that is written; `key` points at the key itself. */
  errorAt(path: readonly PropertyKey[], message: string, key?: string): ConfigurationError;
}

type Fault = { offset: number; message: string };

/** Enough for rules that repeat a list, far from what expands without bound. */
const MOST_ALIASES = 100;
const DEEPEST = 60;
/** Thousands of rules; what is larger is no configuration, and reading it takes memory many times over. */
const LONGEST_TEXT = 1024 * 1024;

const ADVICE: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: "this key is there twice; remove one of the two",
  MULTIPLE_DOCS: "a second document begins here; keep one document in the file and remove the --- line",
  RESOURCE_EXHAUSTION: "this is nested too deeply; write it flatter",
};

/** Reads YAML 1.2. Everything that could be read in two ways is an error: double keys, unknown tags, dangling, endless or too many aliases. */
export function readYaml(
  text: string,
  file: string,
): { source: YamlSource } | { errors: readonly ConfigurationError[] } {
  if (text.length > LONGEST_TEXT) {
    const message = `the file has ${text.length} characters, more than ${LONGEST_TEXT}; is it the right file?`;
    return { errors: [{ file, line: 1, column: 1, message }] };
  }
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    resolveKnownTags: false,
  });
  const at = ({ offset, message }: Fault): ConfigurationError => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1), message };
  };
  const [syntax] = [...document.errors, ...document.warnings].sort((a, b) => a.pos[0] - b.pos[0]);
  if (syntax !== undefined) {
    // What follows the first fault of syntax is mostly its echo.
    const message = ADVICE[syntax.code] ?? `${syntax.message}; correct the YAML here`;
    return { errors: [at({ offset: syntax.pos[0], message })] };
  }
  const faults = structureFaults(document);
  if (faults.length > 0) {
    return { errors: faults.map(at) };
  }
  const data: unknown = plainData(document);
  if (data === TOO_MANY_ALIASES) {
    const message = `the aliases expand to more than ${MOST_ALIASES} copies; write out what they repeat`;
    return { errors: [at({ offset: firstAlias(document), message })] };
  }
  return {
    source: {
      data,
      errorAt(path, message, key) {
        const place = locate(document, path, key);
        return at({ offset: place.offset, message: `${place.shown}${message}` });
      },
    },
  };
}

const TOO_MANY_ALIASES = Symbol("too many aliases");

function plainData(document: Document.Parsed): unknown {
  try {
    return document.toJS({ maxAliasCount: MOST_ALIASES });
  } catch (error) {
    if (error instanceof ReferenceError) {
      return TOO_MANY_ALIASES;
    }
    throw error;
  }
}

function structureFaults(document: Document.Parsed): Fault[] {
  const faults: Fault[] = [];
  visit(document, {
    Alias(_key, alias) {
      const offset = alias.range?.[0] ?? 0;
      const target = alias.resolve(document);
      if (target === undefined) {
        faults.push({
          offset,
          message: `no anchor &${alias.source} stands before this alias; define it or write the value`,
        });
      } else if ((target.range?.[2] ?? 0) > offset) {
        faults.push({
          offset,
          message: `the alias *${alias.source} stands inside what it repeats; write the value`,
        });
      }
    },
    Pair(_key, pair) {
      // Assigned to an object it would vanish instead of being refused.
      if (isScalar(pair.key) && pair.key.value === "__proto__") {
        faults.push({ offset: pair.key.range?.[0] ?? 0, message: 'unknown key "__proto__"; remove it' });
      }
    },
    Collection(_key, node, path) {
      if (path.length > DEEPEST) {
        faults.push({ offset: node.range?.[0] ?? 0, message: "this is nested too deeply; write it flatter" });
        return visit.BREAK;
      }
      return undefined;
    },
  });
  return faults;
}

function firstAlias(document: Document.Parsed): number {
  let offset = 0;
  visit(document, {
    Alias(_key, alias) {
      offset = alias.range?.[0] ?? 0;
      return visit.BREAK;
    },
  });
  return offset;
}

function locate(
  document: Document.Parsed,
  path: readonly PropertyKey[],
  key: string | undefined,
): { offset: number; shown: string } {
  let node: unknown = document.contents;
  let offset = offsetOf(node) ?? 0;
  let shown = "";
  for (const step of path) {
    const next = child(document, node, step);
    if (next === undefined && step === 0) {
      // A list of one may be written without brackets: then its first element is the value itself.
      continue;
    }
    if (next === undefined) {
      break;
    }
    node = next.node;
    offset = next.offset ?? offset;
    shown += typeof step === "number" ? `[${step}]` : shown === "" ? String(step) : `.${String(step)}`;
  }
  const owner = isAlias(node) ? node.resolve(document) : node;
  const named =
    key !== undefined && isMap(owner)
      ? owner.items.find((pair) => isScalar(pair.key) && pair.key.value === key)
      : undefined;
  return { offset: offsetOf(named?.key) ?? offset, shown: shown === "" ? "" : `${shown}: ` };
}

function child(
  document: Document.Parsed,
  node: unknown,
  step: PropertyKey,
): { node: unknown; offset: number | undefined } | undefined {
  const owner = isAlias(node) ? node.resolve(document) : node;
  if (isSeq(owner) && typeof step === "number" && step < owner.items.length) {
    return { node: owner.items[step], offset: offsetOf(owner.items[step]) };
  }
  const pair = isMap(owner) ? owner.items.find(({ key }) => isScalar(key) && key.value === step) : undefined;
  // A value that was left out has no place of its own: its key is what the reader looks for.
  const empty = isScalar(pair?.value) && pair.value.range?.[0] === pair.value.range?.[1];
  return pair && { node: pair.value, offset: offsetOf(empty ? pair.key : pair.value) };
}

function offsetOf(node: unknown): number | undefined {
  return isScalar(node) || isCollection(node) || isAlias(node) ? node.range?.[0] : undefined;
}
