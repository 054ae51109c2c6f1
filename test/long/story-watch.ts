import type { Plan } from "../../src/model/plan.ts";
import type { AnyPlaybook, WritePorts } from "../../src/model/playbook.ts";
import { type AuditRow, isOpen, type Remediation, type State } from "../../src/model/remediation.ts";
import { targetKey } from "../../src/model/target.ts";
import type { MemoryTable } from "../../src/store/memory-table.ts";
import { decodeAudit, decodeRecord } from "../../src/store/record-rows.ts";
import { CONTROL, planRowKey, recordRowKey, shardOf } from "../../src/store/row-keys.ts";
import type { Operation, Table } from "../../src/store/table.ts";
import { decodeTargetRow, type TargetRow } from "../../src/store/target-row.ts";
import type { World } from "../engine/world.ts";
import type { Fault } from "./story-life.ts";

type Way = "forward" | "back";

/** What happened in a story, in the order and at the time (milliseconds, without skew) at which others could see it. */
export type Happening = { readonly at: number } & (
  | { readonly what: "row"; readonly id: string; readonly row: AuditRow }
  | {
      readonly what: "begin";
      readonly id: string;
      readonly way: Way;
      readonly plan: string;
      readonly stored: string | null;
      readonly pod: string;
    }
  | {
      readonly what: "land";
      readonly id: string;
      readonly way: Way;
      readonly pod: string;
      /** The field as it was before. */
      readonly over: string | null;
    }
  | { readonly what: "pause" | "resume"; readonly key: string }
  | {
      readonly what: "word";
      readonly person: string;
      readonly act: string;
      readonly id: string;
      readonly hash: string | null;
    }
  | { readonly what: "alert"; readonly alert: string; readonly pod: string; readonly enforces: boolean }
  | { readonly what: "foreign"; readonly act: string; readonly pod: string }
);

/** Everything that a story is judged by, besides how it ended. */
export interface Chronicle {
  readonly happenings: Happening[];
  /** Breaks that were seen at once. */
  readonly faults: Fault[];
}

/** The field of a pod that the playbook of the stories holds. */
export const FIELD = "quarantine";

/**
 * A table that tells the chronicle of each transaction once it is durable, and checks that open = one drive row, that no
 * target has two open remediations of one playbook, and that the target row shows each record as it is.
 */
export function watchedTable(inner: MemoryTable, now: () => number, chronicle: Chronicle): Table {
  const states = new Map<string, State>();
  const drives = new Map<string, Set<string>>();
  /** Ids of the open remediations of a playbook on a target. */
  const open = new Map<string, Set<string>>();
  const noteOpen = ({ id, playbook, target, state }: Remediation): void => {
    const key = `${playbook} on ${targetKey(target)}`;
    const ids = open.get(key) ?? new Set();
    open.set(key, ids);
    if (isOpen(state)) ids.add(id);
    else ids.delete(id);
  };
  const oneOpen = (): void => {
    for (const [key, ids] of open) {
      if (ids.size > 1) chronicle.faults.push({ kind: "doubled", says: `${[...ids].join(", ")}: ${key}` });
    }
  };
  const rows = new Map<string, TargetRow>();
  const shownAsIs = (): void => {
    for (const entry of [...rows.values()].flatMap((row) => Object.values(row.entries))) {
      const is = states.get(entry.id);
      const says = `${entry.id} is ${is}, and its target shows it ${entry.state}`;
      if (is !== entry.state) chronicle.faults.push({ kind: "lock", says });
    }
  };
  const looked = (id: string): void => {
    const due = drives.get(id)?.size ?? 0;
    const state = states.get(id);
    const wanted = state !== undefined && isOpen(state) ? 1 : 0;
    if (due === wanted) return;
    chronicle.faults.push({ kind: "drive rows", says: `${id} is ${state} and has ${due} drive rows` });
  };
  const note = (partition: string, operation: Operation, touched: Set<string>): void => {
    const { key } = operation;
    const cells = "cells" in operation ? operation.cells : null;
    const [kind, first = ""] = key.split("!");
    const row = { partition, key, etag: "", cells: cells ?? {} };
    if (kind === "a" && cells !== null) {
      chronicle.happenings.push({ at: now(), what: "row", id: first, row: decodeAudit(row) });
    } else if (kind === "r" && cells !== null) {
      const record = decodeRecord(row);
      states.set(first, record.state);
      noteOpen(record);
      touched.add(first);
    } else if (kind === "t" && cells !== null) {
      rows.set(key, decodeTargetRow(row));
    } else if (kind === "d") {
      noteDrive(drives, operation, touched);
    } else if (partition === CONTROL && key.startsWith("switch!pause!")) {
      chronicle.happenings.push({ at: now(), what: cells === null ? "resume" : "pause", key });
    }
  };
  return {
    get: (partition, key) => inner.get(partition, key),
    range: (partition, range, limit) => inner.range(partition, range, limit),
    prepare: () => inner.prepare(),
    async transact(partition, operations) {
      const etags = await inner.transact(partition, operations);
      const touched = new Set<string>();
      for (const operation of operations) note(partition, operation, touched);
      for (const id of touched) looked(id);
      oneOpen();
      shownAsIs();
      return etags;
    },
  };
}

function noteDrive(drives: Map<string, Set<string>>, operation: Operation, touched: Set<string>): void {
  const { key } = operation;
  const id = key.split("!")[2] ?? "";
  const rows = drives.get(id) ?? new Set<string>();
  drives.set(id, rows);
  if (operation.do === "delete") rows.delete(key);
  else if (operation.cells["kind"] === "drive") rows.add(key);
  touched.add(id);
}

/** Of which plan a write is, and which way it goes: rides along with the condition of the write. */
interface Tag {
  readonly plan: Plan;
  readonly way: Way;
}
const TAG = Symbol("tag");

/** The playbook, with each of its writes tagged by its plan. */
export function tagged(playbook: AnyPlaybook): AnyPlaybook {
  return {
    ...playbook,
    apply: (plan, ports) => playbook.apply(plan, tagging(ports, { plan, way: "forward" })),
    revert: (plan, ports) => playbook.revert(plan, tagging(ports, { plan, way: "back" })),
  };
}

function tagging(ports: WritePorts, tag: Tag): WritePorts {
  const kubernetes: WritePorts["write"]["kubernetes"] = (cluster) => {
    const writer = ports.write.kubernetes(cluster);
    const labelPod: typeof writer.labelPod = (namespace, name, condition, labels) => {
      const withTag = { ...condition, [TAG]: tag };
      return writer.labelPod(namespace, name, withTag, labels);
    };
    return { ...writer, labelPod };
  };
  return { read: ports.read, write: { kubernetes } };
}

/** Ports of one process whose writes the chronicle tells of: when they are begun, and when they land. */
export function watchedPorts(
  world: World,
  table: Table,
  chronicle: Chronicle,
  now: () => number,
  stop: (point: string) => Promise<void>,
): WritePorts {
  const under = new Map<string, { id: string; way: Way; over: string | null }>();
  const ports = world.ports({
    async before(call) {
      await stop(`before ${call}`);
      const write = under.get(call);
      if (write !== undefined) write.over = world.labelsOf(podOf(call))[FIELD] ?? null;
    },
    after(call) {
      const write = under.get(call);
      under.delete(call);
      if (write !== undefined)
        chronicle.happenings.push({ at: now(), what: "land", pod: podOf(call), ...write });
      return stop(`after ${call}`);
    },
  });
  const kubernetes: WritePorts["write"]["kubernetes"] = (cluster) => {
    const writer = ports.write.kubernetes(cluster);
    const labelPod: typeof writer.labelPod = async (namespace, pod, condition, labels) => {
      const { plan, way } = tagOf(condition);
      const id = plan.remediationId;
      const stored = await storedPlan(table, id);
      chronicle.happenings.push({ at: now(), what: "begin", id, way, plan: plan.hash, stored, pod });
      under.set(`label ${pod}`, { id, way, over: null });
      return writer.labelPod(namespace, pod, condition, labels);
    };
    return { ...writer, labelPod };
  };
  return { read: ports.read, write: { kubernetes } };
}

function podOf(call: string): string {
  return call.slice("label ".length);
}

function tagOf(condition: object): Tag {
  if (TAG in condition) return condition[TAG] as Tag;
  throw new TypeError("a write without its plan");
}

/** Hash of the plan that stands with a record; null where one of the two does not. */
async function storedPlan(table: Table, id: string): Promise<string | null> {
  const record = await table.get(shardOf(id), recordRowKey(id));
  const number = record === null ? null : decodeRecord(record).planNumber;
  const plan = number === null ? null : await table.get(shardOf(id), planRowKey(id, number));
  return plan === null ? null : String(plan.cells["hash"]);
}
