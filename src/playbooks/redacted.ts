/** Stands where a value was. */
export const LEFT_OUT = "[left out]";

/** Lists of pairs of name and value that may be secret, wherever they stand. */
const PAIRS = new Set(["env", "httpHeaders"]);
/** Maps whose values are handed to drivers of volumes, keys and passwords among them. */
const MAPS = new Set(["volumeAttributes", "options"]);
/** Holds the whole object once more, as somebody applied it. */
const APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

/**
 * The object without literal values of environment variables, headers of probes and settings of volume drivers. All of
 * them: which one is secret cannot be told from its name. Names stay, and so do references to secrets, which hold none.
 */
export function redacted<T>(value: T): T;
export function redacted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((one) => redacted(one));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, member(key, inner)]));
}

function member(key: string, value: unknown): unknown {
  if (key === APPLIED) return LEFT_OUT;
  if (PAIRS.has(key) && Array.isArray(value)) return value.map(withoutValue);
  if (MAPS.has(key) && typeof value === "object" && value !== null && !Array.isArray(value)) {
    return Object.fromEntries(Object.keys(value).map((name) => [name, LEFT_OUT]));
  }
  return redacted(value);
}

function withoutValue(pair: unknown): unknown {
  if (typeof pair !== "object" || pair === null || !Object.hasOwn(pair, "value")) return redacted(pair);
  return { ...redacted(pair), value: LEFT_OUT };
}
