import { setTimeout as delay } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { type Azurite, startAzurite } from "../../local/azurite/index.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { ingest } from "../../src/engine/ingest.ts";
import { RecentSignals } from "../../src/engine/recent-signals.ts";
import { sweep } from "../../src/engine/sweep.ts";
import { Switches } from "../../src/engine/switches.ts";
import { isOpen } from "../../src/model/remediation.ts";
import { openTable } from "../../src/store/open-table.ts";
import { decodeRecord } from "../../src/store/record-rows.ts";
import { CONTROL, PARKED, SHARDS } from "../../src/store/row-keys.ts";
import type { Row, Table } from "../../src/store/table.ts";
import { alert, bench, configuration } from "../engine/harness.ts";
import { knowingDefender } from "../engine/known-alerts.ts";
import { createRandom } from "../store/schedule-choices.ts";
import { figure, noteFigure, SEED } from "./long.ts";

const SIGNALS = figure(100_000, 3_000);
const RESTARTS = figure(20, 4);
const PER_BATCH = figure(50, 30);
const BATCHES = SIGNALS / PER_BATCH;
const PODS = 40;
/** Sixty days go by, of which ten are kept. */
const STEP_MS = Math.floor((60 * 24 * 3_600_000) / BATCHES);

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

/** Bytes on the heap that something still holds. */
function heldBytes(): number {
  for (let round = 0; round < 3; round++) collect();
  return process.memoryUsage().heapUsed;
}

/** What this process waits for: timers, and connections to anybody. */
function timersAndSockets(): number {
  const waited = process.getActiveResourcesInfo();
  return waited.filter((one) => one === "Timeout" || one.startsWith("TCP") || one.startsWith("TLS")).length;
}

/** Connections take a moment to close. */
async function settled(done: () => boolean): Promise<void> {
  for (let round = 0; round < 100 && !done(); round++) await delay(100);
}

describe("an instance that lives long, with restarts", () => {
  it(
    "holds no more memory, rows, timers or sockets at the end than at a tenth",
    async () => {
      const before = timersAndSockets();
      const random = createRandom(SEED);
      const b = bench({ configuration: rules() });
      for (let pod = 0; pod < PODS; pod++) b.world.addPod(`pod-${pod}`);
      const defender = knowingDefender();
      // Only counted, not kept: the bench would be the leak.
      const told = { messages: 0 };
      const engine = (azurite: Azurite): Engine => {
        const table = openTable({ connectionString: azurite.connectionString }, "longrun");
        return {
          ...b.engine,
          table,
          defender,
          recent: new RecentSignals(),
          switches: new Switches(table, b.clock),
          channels: {
            send: (_channel, messages) => {
              told.messages += messages.length;
              return Promise.resolve();
            },
          },
          log: () => {},
        };
      };
      const azurite = await startAzurite();
      let present = engine(azurite);
      await present.table.prepare();
      const held: number[] = [];
      const rows: number[] = [];
      const counts = { records: 0, parked: 0, sum: 0 };
      for (let batch = 0; batch < BATCHES; batch++) {
        if (batch > 0 && batch % Math.floor(BATCHES / RESTARTS) === 0) present = engine(azurite);
        b.clock.pass(STEP_MS);
        const bodies = Array.from({ length: PER_BATCH }, () => someSignal(random, b.clock.now()));
        const events = bodies.map((body, index) => ({
          body,
          partition: "0",
          sequence: batch * PER_BATCH + index,
          enqueuedAt: null,
        }));
        const done = await ingest(present, events);
        counts.records += done.records;
        counts.parked += done.parked;
        counts.sum += done.recorded + done.joined + done.parked + done.unmatched;
        await sweep(present);
        b.world.effects.length = 0;
        defender.asked.length = 0;
        if ((batch + 1) % Math.floor(BATCHES / 10) === 0) {
          held.push(heldBytes());
          rows.push((await allRows(present.table)).length);
        }
      }
      expect(counts.sum).toBe(counts.records);
      expect(counts.records).toBeGreaterThanOrEqual(SIGNALS);
      const [first = 0, last = 0] = [held[0], held.at(-1)];
      noteFigure(
        "Long run",
        `heap after collection at the end, as a multiple of that at a tenth of ${SIGNALS} signals`,
        (last / first).toFixed(2),
      );
      noteFigure("Long run", "rows at each tenth", rows.join(", "));
      expect(last / first).toBeLessThanOrEqual(figure(1.1, 1.25));
      // From a third on as much goes as comes.
      const kept = Math.max(...rows.slice(2, 5));
      expect(rows.at(-1)).toBeLessThanOrEqual(kept * 1.2);
      const open = (await allRows(present.table)).filter(
        (row) => row.key.startsWith("r!") && isOpen(decodeRecord(row).state),
      );
      expect(open.length).toBeLessThanOrEqual(PODS);
      expect(told.messages).toBeGreaterThan(0);
      // Nothing that the engine began lives on: with the store gone, no connection and no timer is left.
      await azurite.stop();
      await settled(() => timersAndSockets() <= before);
      noteFigure("Long run", "timers and sockets before and after", `${before}, ${timersAndSockets()}`);
      expect(timersAndSockets()).toBeLessThanOrEqual(before);
    },
    figure(3_600_000, 120_000),
  );
});

function rules(): ReturnType<typeof configuration> {
  return configuration(
    "enforce",
    (text) =>
      `retention: 10d\nauditRetention: 10d\n${text.replace("ttl: 8h", "ttl: 25m").replaceAll("notify: [security]", "notify: [security]\n    cooldown: 30m")}`,
  );
}

/** Of a hundred signals: most match nothing, some come again, some are notices, some concern pods, a few cannot be read. */
function someSignal(random: () => number, now: Date): Uint8Array {
  const at = now.toISOString();
  const number = Math.floor(random() * 1e9);
  const kind = random();
  if (kind < 0.55) return alert({ id: `u-${number}`, key: "DNS_Something", at });
  if (kind < 0.7) return alert({ id: `same-${number % 20}`, key: "VM_Miner", at });
  if (kind < 0.85) return alert({ id: `v-${number}`, key: "VM_Miner", at });
  if (kind < 0.95) return alert({ id: `p-${number}`, pod: `pod-${number % PODS}`, at });
  if (kind < 0.97) return alert({ id: `p-${number}`, pod: `pod-${number % PODS}`, status: "Resolved", at });
  return new TextEncoder().encode(`{"broken": ${number}`);
}

/** Every row of the table, of all partitions. */
async function allRows(table: Table): Promise<Row[]> {
  const found: Row[] = [];
  for (const partition of [...SHARDS, CONTROL, PARKED, "budget"]) {
    let from: string | undefined = "";
    while (from !== undefined) {
      const page = await table.range(partition, { from, to: "~~" }, 1_000);
      found.push(...page.rows);
      from = page.next;
    }
  }
  return found;
}
