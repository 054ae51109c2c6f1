import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createOrderedKeys } from "../../src/store/ordered-keys.ts";
import { createRandom } from "./schedule-choices.ts";

describe("Ordered keys", () => {
  it("are what a sorted list would be, whatever is added and removed", () => {
    const steps = fc.array(fc.string({ unit: "binary", maxLength: 3 }), { maxLength: 60 });
    fc.assert(
      fc.property(steps, fc.string({ unit: "binary", maxLength: 3 }), (toggled, bound) => {
        const keys = createOrderedKeys();
        const model = new Set<string>();
        for (const key of toggled) {
          if (model.delete(key)) {
            keys.remove(key);
          } else {
            model.add(key);
            keys.add(key);
          }
        }
        const sorted = [...model].sort();
        expect([...keys.from("")]).toEqual(sorted);
        expect([...keys.from(bound)]).toEqual(sorted.filter((key) => key >= bound));
      }),
      { numRuns: 100 },
    );
  });

  it.each(["ascending", "descending", "mixed"])("stay in order over many chunks, added %s", (order) => {
    const random = createRandom(3);
    const all = Array.from({ length: 5_000 }, (_, n) => String(n).padStart(6, "0"));
    const mixed = all.map((key) => ({ key, by: random() })).sort((a, b) => a.by - b.by);
    const orders: Record<string, string[]> = {
      ascending: all,
      descending: all.toReversed(),
      mixed: mixed.map(({ key }) => key),
    };
    const added = orders[order] ?? [];
    const keys = createOrderedKeys();
    for (const key of added) {
      keys.add(key);
    }
    expect([...keys.from("")]).toEqual(all);
    expect([...keys.from("004990x")]).toEqual(all.slice(4_991));
    for (const key of added.slice(0, 4_900)) {
      keys.remove(key);
    }
    expect([...keys.from("")]).toEqual(added.slice(4_900).sort());
  });
});
