import type { Begun } from "../../src/engine/begin.ts";
import { composeClaim, type Work, type WorkSignal } from "../../src/engine/claim.ts";
import { enter } from "../../src/engine/enter.ts";
import { readTarget } from "../../src/engine/held-target.ts";
import type { Prepared } from "../../src/engine/prepare.ts";
import type { SeenTarget } from "../../src/engine/write-claim.ts";
import { type Plan, sealPlan } from "../../src/model/plan.ts";
import type { Remediation } from "../../src/model/remediation.ts";
import { insertDrive, writeRecord } from "../../src/store/record-rows.ts";
import { dueRowKey, shardOf, targetHash, targetRowKey } from "../../src/store/row-keys.ts";
import {
  decodeTargetRow,
  encodeTargetRow,
  type TargetEntry,
  type TargetRow,
} from "../../src/store/target-row.ts";
import { NO_LANE, UNLIMITED } from "./fixtures.ts";
import { alert, type Bench, bench, summaryOf } from "./harness.ts";
import { CLUSTER } from "./world.ts";

/** The target of every piece of work here, and where its rows are. */
export const POD = { kind: "pod", cluster: CLUSTER, namespace: "shop", name: "web-1" } as const;
export const HASH = targetHash(POD);
/** Moments around the bench's clock, which stands at eight. */
export const NOW = "2026-03-02T08:00:00.000Z";
export const BEFORE = "2026-03-02T07:00:00.000Z";
export const LATER = "2026-03-02T12:00:00.000Z";

/** A signal as a batch hands it on. */
export function signal(identity = "a-1", at: string | null = "2026-03-02T07:50:00.000Z"): WorkSignal {
  return {
    summary: {
      ...summaryOf(alert({ id: identity, ...(at === null ? {} : { at }) })),
      at,
      startedAt: at,
    },
    signal: null,
    body: { SystemAlertId: identity },
  };
}

/** What an enforcing rule wants of one pod. */
export function work(more: Partial<Work> = {}): Work {
  return {
    playbook: "quarantine",
    target: POD,
    unresolved: false,
    decided: null,
    rule: {
      name: "miners",
      mode: "enforce",
      ttlMs: 8 * 3_600_000,
      cooldownMs: 3_600_000,
      maxAgeMs: 86_400_000,
      notify: ["security", "night"],
      labels: {},
      parameters: {},
      releaseWhenResolved: false,
      ...UNLIMITED,
      configuration: "c0ffee",
    },
    mode: "enforce",
    aside: false,
    evidence: [],
    clusterByRule: false,
    signals: [signal()],
    requestedBy: null,
    ...more,
  };
}

/** A plan that touches one field of the pod. */
export function planOf(remediationId = "x"): Plan {
  const touches = ["pod/shop/web-1#labels.quarantine"];
  const steps = [{ sentence: "label web-1", touches, before: null, after: remediationId }];
  const draft = { identity: "uid-1", steps, impact: "nothing", limits: [], data: null };
  return sealPlan(draft, { remediationId, playbook: "quarantine", target: POD });
}

/** What planning came to: by default the verdict that a remediation may be applied. */
export function verdict(more: Partial<Prepared> = {}): Prepared {
  return {
    state: "applying",
    mode: "enforce",
    reason: "label web-1",
    identity: "uid-1",
    plan: planOf(),
    proof: null,
    ...more,
  };
}

/** An entry of a target row: by default of a remediation in force. */
export function entry(more: Partial<TargetEntry> = {}): TargetEntry {
  return {
    id: `${HASH.slice(0, 1)}${"1".repeat(21)}`,
    state: "in-force",
    mode: "enforce",
    identity: "uid-1",
    planHash: null,
    lastSignalAt: BEFORE,
    cooldownUntil: null,
    episodes: [],
    touches: [],
    newerIdentity: null,
    lastSignal: null,
    lifted: false,
    closedAt: null,
    abandoned: false,
    ...more,
  };
}

/** Puts a target row into the table and reads it as whoever enters does. */
export async function stand(b: Bench, row: Partial<TargetRow>): Promise<SeenTarget> {
  const cells = encodeTargetRow({ target: POD, lease: null, entries: {}, ...row });
  await b.table.transact(shardOf(HASH), [{ do: "insert", key: targetRowKey(HASH), cells }]);
  const seen = await readTarget(b.table, HASH);
  if (seen === null) throw new TypeError("it was just written");
  return seen;
}

/** The target row as it stands now. */
export function rowOf(b: Bench): TargetRow {
  const stored = b.table.snapshot().find(({ key }) => key === targetRowKey(HASH));
  if (stored === undefined) throw new TypeError("there is no target row");
  return decodeTargetRow(stored);
}

/** Keys of all rows of a kind: `d` due rows, `s` signal rows. */
export function keysOf(b: Bench, kind: "d" | "s"): string[] {
  return b.table.snapshot().flatMap(({ key }) => (key.startsWith(`${kind}!`) ? [key] : []));
}

/** The drive row of the entry's record as it stands at first, and once it was made due. */
export const DUE_LATER = dueRowKey(new Date(LATER), entry().id, 1);
export const DUE_NOW = dueRowKey(new Date(NOW), entry().id, 2);

/** What became of entering. */
export interface Stood {
  readonly b: Bench;
  readonly begun: Begun | null;
  readonly after: TargetRow;
  readonly before: TargetRow;
}

/** A target row with one entry and the open record behind it, due later, and what became of entering. */
export async function entering(
  given: Partial<TargetEntry> | null,
  prepared: Prepared | null,
  more: {
    readonly work?: Partial<Work>;
    readonly row?: Partial<TargetRow>;
    readonly record?: Partial<Remediation> | null;
  } = {},
): Promise<Stood> {
  const b = bench();
  const entries = given === null ? {} : { quarantine: entry(given) };
  const seen = await stand(b, { entries, ...more.row });
  if (given !== null && more.record !== null) await standing(b, entry(given), more.record ?? {});
  const begun = await enter(b.engine, work(more.work), prepared, seen);
  return { b, begun, after: rowOf(b), before: seen.row };
}

/** The record of an entry, with its drive row. */
async function standing(b: Bench, { id, state }: TargetEntry, more: Partial<Remediation>): Promise<void> {
  const context = { pendingReason: "", pendingDue: new Date(LATER), episodes: [] };
  const { record } = composeClaim(b.engine, work({ signals: [signal("first")] }), id, null, context);
  await b.table.transact(shardOf(HASH), [
    writeRecord({ ...record, state, dueRow: DUE_LATER, dueAt: LATER, dueSequence: 1, ...more }, "insert"),
    insertDrive(new Date(LATER), id, 1, NO_LANE),
  ]);
}

/** Signals taken into what is there. */
export const joined = (wake = false): Begun => ({
  outcome: "joined",
  id: entry().id,
  drive: null,
  wake,
  messages: [],
});
