import { vi } from "vitest";
import { createMemoryTable } from "../../src/store/memory-table.ts";
import { BUDGET } from "../../src/store/row-keys.ts";
import { type Operation, RowConflict, type Table } from "../../src/store/table.ts";
import { podOf } from "../engine/quarantine.ts";
import { type Breakage, storyPlaybook } from "./story.ts";
import type { FaultKind } from "./story-life.ts";
import { FIELD } from "./story-watch.ts";

/** An engine that is broken on purpose. */
interface Broken extends Breakage {
  /** The promises that its stories break first of all. */
  readonly breaks: readonly FaultKind[];
  /** One of so many stories has to show it. */
  readonly within: number;
  /** Modules of the engine that are put in the place of the real ones, before it is loaded. */
  readonly replaces?: () => void;
}

const ENTER = "../../src/engine/enter.ts";
const APPROVE = "../../src/engine/approve.ts";
const UNDER_APPROVAL = "../../src/engine/steps/under-approval.ts";

/** The modules that some broken engine replaces. */
export const REPLACED: readonly string[] = [ENTER, APPROVE, UNDER_APPROVAL];

/** The defects of rivals and of first drafts, each as somebody would write it. */
export const BROKEN: Readonly<Record<string, Broken>> = {
  "claims and commits without If-Match": {
    breaks: ["life", "drive rows", "doubled", "lock"],
    within: 200,
    table: (inner) => ({
      ...inner,
      transact: (partition, operations) => inner.transact(partition, operations.map(withoutIfMatch)),
    }),
  },
  "believes a 409 to say that the alert was decided before": {
    breaks: ["lost"],
    within: 200,
    replaces: () => vi.doMock(ENTER, decidedBefore),
  },
  "believes a 409 to be the echo of its own success": {
    breaks: ["unrecorded"],
    within: 200,
    table: (inner) => ({ ...inner, transact: believing(inner) }),
  },
  "writes before its record is durable": { breaks: ["unrecorded"], within: 200, table: writeBehind },
  "takes back without a look at what others changed": {
    breaks: ["overwritten"],
    within: 200,
    playbook: {
      ...storyPlaybook,
      async revert(plan, { read, write }) {
        const { cluster, namespace, name } = podOf(plan);
        const pod = await read.kubernetes(cluster).pod(namespace, name);
        if (pod === null) return { outcome: "gone", reason: "the pod has gone" };
        await write.kubernetes(cluster).labelPod(namespace, name, pod, { [FIELD]: null });
        return { outcome: "restored" };
      },
    },
  },
  "lets an approval stand for whatever is planned": {
    breaks: ["unapproved"],
    within: 200,
    replaces: () => {
      vi.doMock(APPROVE, approvesAnything);
      vi.doMock(UNDER_APPROVAL, beginsAnything);
    },
  },
  "counts its budget in memory": {
    breaks: ["budget"],
    within: 200,
    table: (inner) => {
      const own = createMemoryTable();
      const of = (partition: string): Table => (partition === BUDGET ? own : inner);
      return {
        get: (partition, key) => of(partition).get(partition, key),
        range: (partition, range, limit) => of(partition).range(partition, range, limit),
        transact: (partition, operations) => of(partition).transact(partition, operations),
        prepare: () => inner.prepare(),
      };
    },
  },
};

function withoutIfMatch(operation: Operation): Operation {
  return operation.do === "replace" ? { ...operation, etag: "*" } : operation;
}

/** Something stands there, so somebody has decided: nothing to do. */
async function decidedBefore(original: () => Promise<unknown>): Promise<object> {
  const real = (await original()) as typeof import("../../src/engine/enter.ts");
  const enter: typeof real.enter = async (_engine, work, _prepared, { row }) => ({
    outcome: "known",
    id: row.entries[work.playbook]?.id ?? "",
    drive: null,
    wake: false,
    messages: [],
  });
  return { ...real, enter };
}

/** What is told to be there already was written a moment ago, by a request whose answer got lost. */
function believing(inner: Table): Table["transact"] {
  return async (partition, operations) => {
    try {
      return await inner.transact(partition, operations);
    } catch (error) {
      if (!(error instanceof RowConflict && error.status === 409)) throw error;
      return new Map(operations.map(({ key }) => [key, "mine"]));
    }
  };
}

/** Claims are acknowledged at once, and written when the shard is asked for something else. */
function writeBehind(inner: Table): Table {
  const behind = new Map<string, readonly Operation[]>();
  const real = new Map<string, string>();
  const settle = async (partition: string): Promise<void> => {
    const operations = behind.get(partition);
    if (operations === undefined) return;
    behind.delete(partition);
    const etags = await inner.transact(partition, operations);
    for (const [key, etag] of etags) real.set(`behind ${key}`, etag);
  };
  return {
    async get(partition, key) {
      await settle(partition);
      return inner.get(partition, key);
    },
    async range(partition, range, limit) {
      await settle(partition);
      return inner.range(partition, range, limit);
    },
    async transact(partition, operations) {
      await settle(partition);
      if (operations.some((one) => one.do === "insert" && one.key.startsWith("r!"))) {
        behind.set(partition, operations);
        return new Map(operations.map(({ key }) => [key, `behind ${key}`]));
      }
      const settled = operations.map(
        (one): Operation => (one.do === "replace" ? { ...one, etag: real.get(one.etag) ?? one.etag } : one),
      );
      return inner.transact(partition, settled);
    },
    prepare: () => inner.prepare(),
  };
}

/** A click on "approve" approves what is there when it arrives. */
async function approvesAnything(original: () => Promise<unknown>): Promise<object> {
  const real = (await original()) as typeof import("../../src/engine/approve.ts");
  const { readRecord } = await import("../../src/engine/read-record.ts");
  const approve: typeof real.approve = async (engine, id, yes) => {
    const planHash = (await readRecord(engine, id))?.planHash ?? "";
    return real.approve(engine, id, { ...yes, planHash });
  };
  return { ...real, approve };
}

/** Approved is approved, whatever the plan has become. */
async function beginsAnything(original: () => Promise<unknown>): Promise<object> {
  const real = (await original()) as typeof import("../../src/engine/steps/under-approval.ts");
  const underApproval: typeof real.underApproval = (record, prepared, stored) => {
    const judged = real.underApproval(record, prepared, stored);
    if (judged.what !== "approval voided") return judged;
    return { ...judged, what: "approval used", prepared: { ...prepared, state: "applying" } };
  };
  return { ...real, underApproval };
}
