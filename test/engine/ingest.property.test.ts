import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ingest } from "../../src/engine/ingest.ts";
import { alert, type Bench, bench } from "./harness.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

const id = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("a-1", "a-2", "a-3", "A-1") },
  { weight: 1, arbitrary: fc.constantFrom("\ud800", "\u0000", "x/y#z?\\", " ", "ü".repeat(3_000)) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", minLength: 1, maxLength: 40 }) },
);

const good = fc
  .record({
    id,
    pod: fc.constantFrom("web-1", "web-2", "gone", "Bad Name", "x".repeat(3_000)),
    key: fc.constantFrom(
      "K8S.NODE_Miner",
      "K8S.NODE_Miner",
      "VM_Other",
      "SQL.DB_Unmatched",
      "SIMULATED_K8S.NODE_Miner",
    ),
    severity: fc.constantFrom("High", "Low", "Nonsense"),
    status: fc.constantFrom("New", "New", "New", "Active", "Resolved", "Dismissed"),
    namespace: fc.constantFrom("shop", "shop", "kube-system"),
    at: fc.constantFrom(
      "2026-03-02T07:50:00.000Z",
      "2026-03-02T07:55:00.000Z",
      "2026-01-01T00:00:00.000Z",
      "never",
    ),
  })
  .map(alert);

const state = fc.constantFrom("Healthy", "Unhealthy", "NotApplicable").map((code) =>
  encode(
    JSON.stringify({
      id: "/subscriptions/s/providers/Microsoft.Security/assessments/k",
      name: "k",
      type: "Microsoft.Security/assessments",
      properties: { status: { code, statusChangeDate: "2026-03-02T07:00:00Z" } },
    }),
  ),
);

const bad = fc.oneof(
  fc.constantFrom("", "{", "[]", "{}", '"', "null", "[[[[[[[[1]]]]]]]]", '{"a":').map(encode),
  fc.uint8Array({ maxLength: 60 }),
);

const list = fc
  .array(fc.oneof(good, state, bad), { minLength: 1, maxLength: 4 })
  .map((parts) => encode(`[${parts.map((part) => new TextDecoder().decode(part)).join(",")}]`));

const body = fc.oneof(
  { weight: 5, arbitrary: good },
  { weight: 1, arbitrary: state },
  { weight: 2, arbitrary: bad },
  { weight: 1, arbitrary: list },
);

/** What redelivery must not add to. */
function keptOf({ table, world }: Bench): Record<string, number> {
  const rows = table.snapshot();
  const of = (prefix: string): number => rows.filter(({ key }) => key.startsWith(prefix)).length;
  const parked = rows.filter(({ partition }) => partition === "parked").length;
  return { records: of("r!"), signals: of("s!"), effects: world.effects.length, parked };
}

describe("whatever a batch holds", () => {
  it("is decided, joined, parked or unmatched, is recorded once, and nothing open is without its due row", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(body, { maxLength: 8 }), { minLength: 1, maxLength: 3 }),
        fc.constantFrom("enforce", "approve", "observe"),
        fc.constantFrom("fine", "fine", "faulty"),
        async (batches, mode, world) => {
          const b = bench({ mode });
          b.world.addPod("web-2");
          b.world.before = async (call) => {
            if (world === "faulty" && call === "read web-2") throw new TypeError("a fault");
          };
          // Redelivery brings the same places of the hub.
          const deliveries = batches.map((batch, partition) =>
            batch.map((one, sequence) => ({
              body: one,
              partition: `${partition}`,
              sequence,
              enqueuedAt: null,
            })),
          );
          for (const batch of deliveries) {
            const counts = await ingest(b.engine, batch);
            const { events, records, recorded, joined, parked, unmatched } = counts;
            expect(events).toBe(batch.length);
            expect(recorded + joined + parked + unmatched).toBe(records);
            expect(records).toBeGreaterThanOrEqual(events);
          }
          expect(b.broken()).toEqual([]);
          const kept = keptOf(b);
          b.engine.recent.forget();
          for (const batch of deliveries) {
            const again = await ingest(b.engine, batch);
            expect(again.recorded).toBe(0);
          }
          expect(b.broken()).toEqual([]);
          expect(keptOf(b)).toEqual(kept);
        },
      ),
      { numRuns: 120 },
    );
  });
});
