import { clausesOf, IMPLIED } from "./clauses.ts";
import type { Condition } from "./condition.ts";
import type { When } from "./when-schema.ts";

type Implied = keyof typeof IMPLIED;

/**
 * Makes a condition of a `when`. What it does not say about samples, snapshots and closed records is added: at the top,
 * or, where only some branches of an `any` name it, to the branches that do not.
 */
export function compileWhen(when: When): Extract<Condition, { op: "all" | "any" }> {
  return group(when, ["sample", "snapshot", "status"]);
}

function group(when: When, implied: readonly Implied[]): Extract<Condition, { op: "all" | "any" }> {
  const own = implied.filter((name) => when[name] === undefined && !namedIn(when.not, name));
  const below = own.filter((name) => namedIn(when.all, name));
  const branches = own.filter((name) => !below.includes(name) && namedIn(when.any, name));
  const here = own.filter((name) => !below.includes(name) && !branches.includes(name));
  return {
    op: "all",
    of: [
      ...clausesOf(when),
      ...(when.all ?? []).map((part) =>
        group(
          part,
          below.filter((name) => names(part, name)),
        ),
      ),
      ...(when.any === undefined
        ? []
        : [{ op: "any" as const, of: when.any.map((part) => group(part, branches)) }]),
      ...(when.not ?? []).map((part) => ({ op: "not" as const, of: group(part, []) })),
      ...here.map((name) => IMPLIED[name]),
    ],
  };
}

function names(when: When, name: Implied): boolean {
  return when[name] !== undefined || [when.all, when.any, when.not].some((groups) => namedIn(groups, name));
}

function namedIn(groups: readonly When[] | undefined, name: Implied): boolean {
  return groups?.some((part) => names(part, name)) ?? false;
}
