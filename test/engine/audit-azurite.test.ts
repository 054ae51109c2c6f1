import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Azurite, startAzurite } from "../../local/azurite/index.ts";
import { auditExport } from "../../src/engine/audit-export.ts";
import { noteConfiguration } from "../../src/engine/configuration-history.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { ingest } from "../../src/engine/ingest.ts";
import { listParked } from "../../src/engine/parked-list.ts";
import { dropParked } from "../../src/engine/parked-replay.ts";
import { sweep } from "../../src/engine/sweep.ts";
import { Switches } from "../../src/engine/switches.ts";
import { openTable } from "../../src/store/open-table.ts";
import { SHARDS } from "../../src/store/row-keys.ts";
import { ANN, DAY, verifyAll } from "./audit-bench.ts";
import { type Bench, bench } from "./harness.ts";
import { another, event } from "./processes.ts";

describe("the audit on a real table service", () => {
  let azurite: Azurite;
  let b: Bench;
  let engine: Engine;

  beforeAll(async () => {
    azurite = await startAzurite();
    const table = openTable({ connectionString: azurite.connectionString }, "audit");
    await table.prepare();
    b = bench();
    engine = another(b, { table, switches: new Switches(table, b.clock) });
  }, 60_000);
  afterAll(() => azurite.stop());

  it("verifies, is handed out, and names a row that was deleted", async () => {
    await noteConfiguration(engine);
    await ingest(engine, [event(), { ...event(), body: new TextEncoder().encode("poison"), sequence: 2 }]);
    await ingest(engine, [{ ...event({ id: "a-2", key: "VM_Something" }), sequence: 3 }]);
    const { events } = await listParked(engine.table, 10);
    expect(await dropParked(engine, events[0]?.id ?? "", ANN)).toBe(true);
    for (const minutes of [1, 10 * 60, DAY, 401 * DAY, DAY]) {
      b.clock.pass(minutes * 60_000);
      await sweep(engine);
    }
    const { checked, faults } = await verifyAll(engine);
    expect(faults).toEqual([]);
    expect(checked).toMatchObject({ remediations: 2, notes: 2 });
    expect(checked.roots).toBeGreaterThan(2);
    const all = { from: null, to: null, after: null, limit: 500, sees: () => true, seesControl: true };
    const { rows } = await auditExport(engine, all);
    expect(new Set(rows.map(({ what }) => what))).toContain("retired");
    expect(rows.filter(({ kind }) => kind === "control").map(({ what }) => what)).toEqual([
      "configuration",
      "parked dropped",
    ]);
    for (const shard of SHARDS) {
      const [row] = (await engine.table.range(shard, { from: "a!", to: "a!~" }, 1)).rows;
      if (row === undefined) continue;
      await engine.table.transact(shard, [{ do: "delete", key: row.key, etag: "*" }]);
      expect((await verifyAll(engine)).faults.join("\n")).toContain(row.key);
      return;
    }
    expect.unreachable("no history was found");
  }, 60_000);
});
