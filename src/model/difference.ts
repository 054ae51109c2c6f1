import { canonicalJson } from "./canonical-json.ts";

/** One place in which two values differ. Null where it is absent on that side. */
export interface Difference {
  /** Such as `rules[miner-contain].mode`: what has a name stands under it, everything else under its number. */
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** More than anybody reads of one change; a row of history has to stay small. */
const MOST = 200;
const LONGEST = 500;
const DEEPEST = 20;
/** Stands for everything that is not listed any more. */
const REST = "…";

/**
 * What differs between two values of JSON, by path, at most 200 places: a last one called `…` then counts the others.
 * Lists of named things are compared by name, and their order for itself. Long values are cut. The same two values give
 * the same list.
 */
export function differenceOf(before: unknown, after: unknown): readonly Difference[] {
  const all: Difference[] = [];
  let more = 0;
  compare("", before, after, 0, (one) => {
    if (all.length < MOST) all.push({ ...one, before: cut(one.before), after: cut(one.after) });
    else more += 1;
  });
  return more === 0 ? all : [...all, { path: REST, before: null, after: `${more} more` }];
}

type Take = (difference: Difference) => void;

function compare(path: string, before: unknown, after: unknown, depth: number, take: Take): void {
  if (canonicalJson(before ?? null) === canonicalJson(after ?? null)) return;
  if (depth < DEEPEST && Array.isArray(before) && Array.isArray(after)) {
    compareLists(path, before, after, depth, take);
  } else if (depth < DEEPEST && isGroup(before) && isGroup(after)) {
    for (const key of [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()) {
      compare(path === "" ? key : `${path}.${key}`, own(before, key), own(after, key), depth + 1, take);
    }
  } else {
    take({ path, before: before ?? null, after: after ?? null });
  }
}

function compareLists(
  path: string,
  before: readonly unknown[],
  after: readonly unknown[],
  depth: number,
  take: Take,
): void {
  const old = byName(before);
  const now = byName(after);
  if (old === null || now === null) {
    for (let index = 0; index < Math.max(before.length, after.length); index++) {
      compare(`${path}[${index}]`, before[index], after[index], depth + 1, take);
    }
    return;
  }
  for (const name of new Set([...old.keys(), ...now.keys()])) {
    compare(`${path}[${name}]`, old.get(name), now.get(name), depth + 1, take);
  }
  const kept = [...old.keys()].filter((name) => now.has(name));
  const ordered = [...now.keys()].filter((name) => old.has(name));
  if (kept.some((name, index) => name !== ordered[index])) {
    take({ path: `${path} (order)`, before: kept, after: ordered });
  }
}

/** The elements of a list by their names; null where one has none, or two have the same. */
function byName(list: readonly unknown[]): ReadonlyMap<string, unknown> | null {
  const named = new Map<string, unknown>();
  for (const element of list) {
    const name = isGroup(element) ? own(element, "name") : undefined;
    if (typeof name !== "string" || named.has(name)) return null;
    named.set(name, element);
  }
  return named;
}

function isGroup(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function own(group: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(group, key) ? group[key] : undefined;
}

/** A value as it is, or the beginning of its text where that is long. */
function cut(value: unknown): unknown {
  const text = canonicalJson(value);
  return text.length <= LONGEST ? value : `${text.slice(0, LONGEST)}${REST}`.toWellFormed();
}
