import { auditVerify, type VerifyPage } from "../../src/engine/audit-verify.ts";
import { noteControl } from "../../src/engine/control-history.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { revert } from "../../src/engine/revert.ts";
import { createMemoryTable } from "../../src/store/memory-table.ts";
import type { Row } from "../../src/store/table.ts";
import { alert, type Bench, bench, configuration } from "./harness.ts";
import { sweepAfter } from "./processes.ts";

/** A word of a person, for tests. */
export const ANN = { who: "ann", id: "t/ann", why: "a drill" };

/** Minutes of a day. */
export const DAY = 24 * 60;

/** A bench on which things happened: contained, taken back by a person, by its deadline, observed, told, waiting; two roots. */
export async function livedBench(change: (text: string) => string = (text) => text): Promise<Bench> {
  const b = bench({ configuration: configuration("enforce", change) });
  for (const name of ["web-2", "web-3"]) b.world.addPod(name);
  await b.ingest(alert({ id: "a-1" }), alert({ id: "a-2", pod: "web-2" }));
  await b.ingest(alert({ id: "a-3", pod: "gone" }), alert({ id: "a-4", key: "VM_Something" }));
  await noteControl(b.engine, { what: "pause", word: ANN, details: { of: { kind: "all" } } });
  await sweepAfter(b, 1);
  const [first] = b.records().filter(({ state }) => state === "in-force");
  await revert(b.engine, first?.id ?? "", ANN);
  await noteControl(b.engine, { what: "resume", word: ANN, details: { of: { kind: "all" } } });
  await sweepAfter(b, 9 * 60, DAY);
  await b.ingest(alert({ id: "a-5", pod: "web-3", at: b.clock.now().toISOString() }));
  await noteControl(b.engine, { what: "trip", word: null, details: { rule: "miners" } });
  return b;
}

/** All pages of a verification put together. */
export async function verifyAll(engine: Engine, root: string | null = null): Promise<VerifyPage> {
  const all = { roots: 0, heads: 0, remediations: 0, notes: 0 };
  const faults: string[] = [];
  let after: string | null = null;
  do {
    const page: VerifyPage = await auditVerify(engine, { after, root });
    for (const name of ["roots", "heads", "remediations", "notes"] as const) all[name] += page.checked[name];
    faults.push(...page.faults);
    after = page.next;
  } while (after !== null);
  return { checked: all, faults, next: null };
}

/** A table of its own with these rows. */
export async function tableOf(rows: readonly Row[]): Promise<ReturnType<typeof createMemoryTable>> {
  const table = createMemoryTable();
  for (const { partition, key, cells } of rows)
    await table.transact(partition, [{ do: "insert", key, cells }]);
  return table;
}

/** The rows that a verification answers for. */
export function isAudited({ partition, key }: Row): boolean {
  return partition === "control" ? /^(root|heads|history)-/.test(key) : /^[arpx]!/.test(key);
}
