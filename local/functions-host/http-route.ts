/** A route template of an HTTP function, ready to match. */
export interface HttpRoute {
  /** Parameters of a path that matches (absent optional ones are left out), else undefined. */
  match(path: string): Record<string, string> | undefined;
  /** Smaller is more specific: literals before parameters before a catch-all. */
  readonly order: string;
}

type Segment =
  | { readonly kind: "literal"; readonly text: string }
  | { readonly kind: "parameter"; readonly name: string; readonly optional: boolean }
  | { readonly kind: "rest"; readonly name: string };

function toSegment(text: string, template: string): Segment {
  const rest = /^\{\*{1,2}(\w+)\}$/.exec(text);
  if (rest?.[1] !== undefined) return { kind: "rest", name: rest[1] };
  const parameter = /^\{(\w+)(\?)?\}$/.exec(text);
  if (parameter?.[1] !== undefined) {
    return { kind: "parameter", name: parameter[1], optional: parameter[2] !== undefined };
  }
  if (/[{}]/.test(text)) {
    throw new Error(
      `Route "${template}": "${text}" is not possible here (only {name}, {name?} and {*name}).`,
    );
  }
  return { kind: "literal", text: text.toLowerCase() };
}

/** The front of Azure leaves an encoded slash as it is, so that it never makes a segment of its own. */
function decodeSegment(text: string): string {
  return decodeURIComponent(text.replaceAll(/%2f/gi, "%252F"));
}

function split(path: string): string[] {
  return path.split("/").filter((part) => part !== "");
}

function matchSegments(
  segments: readonly Segment[],
  parts: readonly string[],
): Record<string, string> | undefined {
  const parameters: Record<string, string> = {};
  for (const [index, segment] of segments.entries()) {
    const part = parts[index];
    if (segment.kind === "rest") {
      if (part !== undefined) parameters[segment.name] = parts.slice(index).map(decodeSegment).join("/");
      return parameters;
    }
    if (part === undefined) return segment.kind === "parameter" && segment.optional ? parameters : undefined;
    const text = decodeSegment(part);
    if (segment.kind === "parameter") parameters[segment.name] = text;
    else if (text.toLowerCase() !== segment.text) return undefined;
  }
  return parts.length > segments.length ? undefined : parameters;
}

const ORDER = { literal: "a", parameter: "b", rest: "c" } as const;

/**
 * Parses a template such as `remediations/{id}/{action?}` (prefix included, no leading slash).
 * Literals match in any case; an optional parameter may only be last. Raises an error for what it lacks.
 */
export function parseRoute(template: string): HttpRoute {
  const segments = split(template).map((text) => toSegment(text, template));
  for (const segment of segments.slice(0, -1)) {
    if (segment.kind === "rest" || (segment.kind === "parameter" && segment.optional)) {
      throw new Error(`Route "${template}": only the last segment may be optional or take the rest.`);
    }
  }

  return {
    order: segments.map((segment) => ORDER[segment.kind]).join(""),
    match: (path) => matchSegments(segments, split(path)),
  };
}
