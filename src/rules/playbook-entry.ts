import { z } from "zod";
import { faultSentence, faultsOf, unknownWord } from "./fault-sentence.ts";
import { duration, type KnownNames, listOf, oneOrMany, type PlaybookDeclaration } from "./schema-words.ts";

/** One playbook of a rule, with what the rule asks of it. */
export interface PlaybookEntry {
  readonly name: string;
  readonly kind: PlaybookDeclaration["kind"];
  /** Its own deadline; undefined: the rule's. */
  readonly ttlMs: number | undefined;
  readonly reversible: boolean;
  /** ARM ids; null: the signal's own cluster. */
  readonly clusters: readonly string[] | null;
  /** As written, checked by the playbook's own schema, which is applied again when it plans. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** What follows where this is not enough, rung by rung; absent: nothing. */
  readonly rungs?: readonly PlaybookEntry[] | undefined;
}

type Context = z.core.$RefinementCtx<unknown>;

/** What `clusters` says when the playbook acts where the signal comes from. */
export const SAME_CLUSTER = "same";

const MOST_RUNGS = 5;

/**
 * The schema of one entry under `playbooks` of a rule, with the rungs that follow it; parameters are checked by the
 * playbook's own schema.
 */
export function playbookEntry(known: KnownNames) {
  const rung = z.strictObject(wordsOf(known)).transform((entry, context): PlaybookEntry => {
    if (entry.with?.["clusters"] !== undefined) {
      const message = "a rung acts on the cluster of the one before; remove clusters";
      fault(context, ["with", "clusters"], entry.with["clusters"], message);
    }
    return checked(entry, known, context);
  });
  return z
    .strictObject({ ...wordsOf(known), rungs: listOf(rung, MOST_RUNGS).min(1).optional() })
    .transform((entry, context): PlaybookEntry => {
      const { rungs } = entry;
      if (rungs !== undefined) checkLadder(entry.name, rungs, context);
      // Optional, not empty, where there are none: the hash of a file without them stays what it was.
      return { ...checked(entry, known, context), ...(rungs === undefined ? {} : { rungs }) };
    });
}

function wordsOf(known: KnownNames) {
  return {
    name: declaration(known.playbooks),
    ttl: duration(1000).optional(),
    with: z.record(z.string(), z.unknown()).optional(),
  };
}

interface Written {
  readonly name: PlaybookDeclaration;
  readonly ttl?: number | undefined;
  readonly with?: Readonly<Record<string, unknown>> | undefined;
}

function checked(entry: Written, known: KnownNames, context: Context): PlaybookEntry {
  const declared = entry.name;
  if (entry.ttl !== undefined && !declared.reversible) {
    const message = `${declared.name} cannot be taken back, so it has no deadline; remove ttl`;
    fault(context, ["ttl"], entry.ttl, message);
  }
  const { clusters, ...parameters } = entry.with ?? {};
  checkParameters(declared, parameters, context);
  return {
    name: declared.name,
    kind: declared.kind,
    ttlMs: entry.ttl,
    reversible: declared.reversible,
    clusters: clusters === undefined ? null : clusterIds(clusters, declared, known, context),
    parameters,
  };
}

/** Only what acts can be too little, and only another playbook can be more. */
function checkLadder(
  { name, kind }: PlaybookDeclaration,
  rungs: readonly PlaybookEntry[],
  context: Context,
): void {
  if (kind === "evidence" || kind === "notification") {
    fault(context, ["rungs"], rungs, `${name} contains nothing, so nothing can follow it; remove rungs`);
  }
  const below = new Set([name]);
  for (const [index, rung] of rungs.entries()) {
    if (rung.kind === "evidence" || rung.kind === "notification") {
      const message = `${rung.name} contains nothing; name it under playbooks, where it waits for nothing`;
      fault(context, ["rungs", index, "name"], rung.name, message);
    } else if (below.has(rung.name)) {
      const message = `${rung.name} stands on an earlier rung already; remove one of them`;
      fault(context, ["rungs", index, "name"], rung.name, message);
    }
    below.add(rung.name);
  }
}

function declaration(playbooks: readonly PlaybookDeclaration[]) {
  return z.string().transform((text, context) => {
    const declared = playbooks.find(({ name }) => name === text);
    if (declared === undefined) {
      const names = playbooks.map(({ name }) => name);
      context.issues.push({ code: "custom", input: text, message: unknownWord(text, "a playbook", names) });
      return z.NEVER;
    }
    return declared;
  });
}

function clusterIds(
  written: unknown,
  declared: PlaybookDeclaration,
  known: KnownNames,
  context: Context,
): readonly string[] | null {
  const path = ["with", "clusters"];
  if (declared.target === "alert") {
    fault(context, path, written, `${declared.name} acts on no cluster; remove clusters`);
    return null;
  }
  if (written === SAME_CLUSTER) {
    return null;
  }
  const names = oneOrMany(z.string()).safeParse(written, { error: faultSentence });
  if (!names.success) {
    passOn(names.error, path, context);
    return null;
  }
  return names.data.flatMap((name, index) => {
    const id = known.clusters.find((cluster) => cluster.name === name)?.id;
    if (id === undefined) {
      const all = [SAME_CLUSTER, ...known.clusters.map((cluster) => cluster.name)];
      fault(context, [...path, index], name, unknownWord(name, "a cluster of this file", all));
    }
    return id ?? [];
  });
}

function checkParameters(
  declared: PlaybookDeclaration,
  parameters: Readonly<Record<string, unknown>>,
  context: Context,
): void {
  const parsed = declared.parameters.safeParse(parameters, { error: faultSentence });
  if (!parsed.success) {
    passOn(parsed.error, ["with"], context);
  }
}

function fault(context: Context, path: PropertyKey[], input: unknown, message: string): void {
  context.addIssue({ code: "custom", path, input, message });
}

function passOn(error: z.ZodError, path: readonly PropertyKey[], context: Context): void {
  for (const issue of error.issues) {
    for (const { key, message } of faultsOf(issue)) {
      // A path of its own for each: zod puts what stands around it in front of the array that it is given.
      const at = [...path, ...issue.path];
      context.addIssue({ code: "custom", path: at, input: issue.input, message, params: { key } });
    }
  }
}
