import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson } from "../../src/model/canonical-json.ts";
import { differenceOf } from "../../src/model/difference.ts";

describe("the difference of two configurations", () => {
  it("is nothing between equal ones, whatever the order of their keys", () => {
    expect(differenceOf({ a: 1, b: [{ name: "x" }] }, { b: [{ name: "x" }], a: 1 })).toEqual([]);
    expect(differenceOf(undefined, null)).toEqual([]);
  });

  it("names each place with what was and what is", () => {
    const before = { mode: "observe", scope: { allow: [], deny: [{ namespace: "a" }] }, silence: 1 };
    const after = { mode: "approve", scope: { allow: [], deny: [{ namespace: "b" }] }, retention: 2 };
    expect(differenceOf(before, after)).toEqual([
      { path: "mode", before: "observe", after: "approve" },
      { path: "retention", before: null, after: 2 },
      { path: "scope.deny[0].namespace", before: "a", after: "b" },
      { path: "silence", before: 1, after: null },
    ]);
  });

  it("compares named things by name, so that a rule put before others is one difference", () => {
    const rule = (name: string, mode: string) => ({ name, mode });
    expect(
      differenceOf(
        { rules: [rule("a", "observe"), rule("b", "observe")] },
        { rules: [rule("new", "observe"), rule("a", "enforce"), rule("b", "observe")] },
      ),
    ).toEqual([
      { path: "rules[a].mode", before: "observe", after: "enforce" },
      { path: "rules[new]", before: null, after: rule("new", "observe") },
    ]);
  });

  it("tells of an order that changed, since the first rule decides", () => {
    expect(
      differenceOf([{ name: "a" }, { name: "b" }], [{ name: "b" }, { name: "c" }, { name: "a" }]),
    ).toEqual([
      { path: "[c]", before: null, after: { name: "c" } },
      { path: " (order)", before: ["a", "b"], after: ["b", "a"] },
    ]);
  });

  it("goes by number where a name stands twice", () => {
    expect(differenceOf([{ name: "a" }, { name: "a" }], [{ name: "a" }, { name: "b" }])).toEqual([
      { path: "[1].name", before: "a", after: "b" },
    ]);
  });

  it("stops after 200 places and says how many more there are", () => {
    const before = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`k${index}`, index]));
    const found = differenceOf(before, {});
    expect(found).toHaveLength(201);
    expect(found.at(-1)).toEqual({ path: "…", before: null, after: "800 more" });
  });

  it("cuts what is long and does not go down without end", () => {
    const [long] = differenceOf({ a: "x".repeat(10_000) }, {});
    expect(String(long?.before).length).toBeLessThan(600);
    const deep = (leaf: string) => JSON.parse(`${'{"a":'.repeat(500)}"${leaf}"${"}".repeat(500)}`) as unknown;
    const [only, ...more] = differenceOf(deep("x"), deep("y"));
    expect(more).toEqual([]);
    expect(only?.path.length).toBeLessThan(100);
  });

  it("takes null for nothing, in a list as in a group", () => {
    expect(differenceOf([1, null], [1])).toEqual([]);
    expect(differenceOf({ a: null }, {})).toEqual([]);
    expect(differenceOf([null, 1], [1])).not.toEqual([]);
  });

  it("is empty exactly for equal values, the same when asked again, and keeps to its bound", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (before, after) => {
        const found = differenceOf(before, after);
        expect(found.length === 0).toBe(canonicalJson(filled(before)) === canonicalJson(filled(after)));
        expect(differenceOf(before, after)).toEqual(found);
        expect(found.length).toBeLessThanOrEqual(201);
        expect(differenceOf(before, before)).toEqual([]);
      }),
    );
  });
});

/** A value without what is null, at the end of lists and everywhere in groups: it stands for nothing. */
function filled(value: unknown): unknown {
  if (Array.isArray(value)) {
    const last = value.findLastIndex((one) => one !== null);
    return value.slice(0, last + 1).map(filled);
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, one]) => (one === null ? [] : [[key, filled(one)]])),
  );
}
