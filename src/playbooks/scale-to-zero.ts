import { z } from "zod";
import { Conflict } from "../model/errors.ts";
import type { KubernetesReader } from "../model/kubernetes-port.ts";
import type { Plan } from "../model/plan.ts";
import { playbook, type ReadPorts, type Verification, type WritePorts } from "../model/playbook.ts";
import type { WorkloadState } from "../model/workload-state.ts";
import {
  type Held,
  heldKeysSchema,
  hold,
  holdPermissions,
  release,
  requireOwn,
  whyNotHeld,
} from "./held-entries.ts";
import {
  type FoundPause,
  findPauses,
  isPaused,
  kedaPauseSchema,
  lostPause,
  pausing,
  resuming,
} from "./keda-pause.ts";
import { plannedTarget } from "./planned-target.ts";
import { type PodsLeft, podsLeft } from "./pods-left.ts";
import {
  lostPauses,
  restarting,
  type StopChange,
  standingOf,
  stopChangeSchema,
  stopping,
  wish,
} from "./stop-change.ts";
import { jobsOf, planStop } from "./stop-plan.ts";
import { workloadChanges } from "./workload-rights.ts";

const POLL_MS = 5_000;

/** What the plan remembers: how each object is stopped, the target first, and what is held before. */
const dataSchema = z.object({
  changes: z.array(stopChangeSchema),
  held: heldKeysSchema.nullable(),
  /** What KEDA is told first; plans of earlier versions do not say. */
  keda: z.array(kedaPauseSchema).default([]),
});

const parameters = z.strictObject({
  /** Refuse new pods of it as well, as hold-workload does, so that whoever starts it again gets none. */
  hold: z.boolean().default(false),
});

/**
 * Stops a workload: a number of pods goes to zero, the one number that a HorizontalPodAutoscaler respects (it undoes a
 * one within half a minute); Jobs and CronJobs are suspended; a DaemonSet asks for nodes that there are not. Field and
 * mark change together, in one conditional write. KEDA, which would start it again, is paused first, by its own verb. The
 * pods and what they hold in memory are lost.
 */
export const scaleToZero = playbook({
  name: "scale-to-zero",
  title: "Scale a workload to zero",
  kind: "containment",
  target: "workload",
  parameters,
  permissions: {
    kubernetes: [
      ...workloadChanges,
      { apiGroup: "", resource: "pods", verbs: ["list"] },
      { apiGroup: "autoscaling", resource: "horizontalpodautoscalers", verbs: ["list"] },
      { apiGroup: "policy", resource: "poddisruptionbudgets", verbs: ["list"] },
      { apiGroup: "keda.sh", resource: "scaledobjects", verbs: ["get", "list", "patch"] },
      ...holdPermissions,
    ],
    arm: [],
  },
  impact: "All pods of the workload end, and what it serves is down until this is taken back.",
  highImpact: true,
  reversible: true,
  destroysEvidence: true,

  plan({ target, parameters: { hold: holds }, remediationId }, { read }) {
    return planStop({ target, holds, remediationId }, read.kubernetes(target.cluster));
  },

  async apply(plan, ports) {
    const { changes, held, pauses } = await openPlan(plan, ports);
    // Everything is judged before anything is written.
    const zeroed = pauses.some((found) => isPaused(found, plan.remediationId));
    const writes = changes.map(({ change, workload }) =>
      workload === null ? null : stopping(change, plan.remediationId, workload, zeroed),
    );
    const toKeda = pauses.map((found) => pausing(found, plan.remediationId));
    if (held !== null) await hold(held, ports);
    await tellKeda(plan, pauses, toKeda, ports);
    for (const [index, { change, workload }] of changes.entries()) {
      const write = writes[index] ?? null;
      if (write === null || workload === null) continue;
      const { cluster, namespace } = plannedTarget(plan, "workload");
      await ports.write
        .kubernetes(cluster)
        .changeWorkload(change.kind, namespace, change.name, workload, write);
    }
  },

  async verify(plan, { read }) {
    const { cluster } = plannedTarget(plan, "workload");
    const reader = read.kubernetes(cluster);
    const { data, held, object } = remembered(plan);
    const notHeld = held === null ? null : whyNotHeld(await reader.holdList(), held);
    if (notHeld !== null) return { verdict: "absent", reason: notHeld };
    const states = await statesOf(plan, data.changes, reader);
    const top = await topOf(plan, reader);
    if (top === null) return { verdict: "absent", reason: `${object} has gone.` };
    const pauses = await findPauses(data.keda, top.namespace, reader);
    const resumed = pauses.flatMap((found) => lostPause(found, plan.remediationId) ?? []);
    const lost = states.flatMap(({ change, workload }) => whyNotStopped(plan, change, workload));
    // Where it was at zero already, the pause is all that we did.
    const [first] = data.changes.length === 0 ? resumed : lost;
    if (first !== undefined) return { verdict: "absent", reason: first };
    const left = await podsLeft(top, reader);
    return stillRunning(top, left) ?? (await remaining(top, states, { left, held, resumed }, reader));
  },

  async revert(plan, ports) {
    const { cluster, namespace } = plannedTarget(plan, "workload");
    const reader = ports.read.kubernetes(cluster);
    const { data, held, object } = remembered(plan);
    if (held !== null) await checkHeld(held, reader);
    const states = await statesOf(plan, data.changes, reader);
    const top = await topOf(plan, reader);
    const pauses = await findPauses(data.keda, namespace, reader);
    const zeroed = pauses.some((found) => isPaused(found, plan.remediationId));
    const isOurs = states.every(({ change, workload }) => canRestart(plan, change, workload, zeroed));
    // The numbers before the hold: then no pod comes of a half-done release. Where somebody else has set a number, the
    // hold goes all the same, since it is all that is ours.
    if (!isOurs && held !== null) await release(held, ports);
    const writes = states.map(({ change, workload }) =>
      workload === null ? null : restarting(change, plan.remediationId, workload, zeroed),
    );
    const toKeda = pauses.map((found) => resuming(found, plan.remediationId));
    for (const [index, { change, workload }] of [...states.entries()].toReversed()) {
      const write = writes[index] ?? null;
      if (write === null || workload === null) continue;
      await ports.write
        .kubernetes(cluster)
        .changeWorkload(change.kind, namespace, change.name, workload, write);
    }
    // The number first: what KEDA makes of it before it is told counts as ours, and what it makes afterwards is its own.
    await tellKeda(plan, pauses, toKeda, ports);
    if (held !== null) await release(held, ports);
    return top === null ? { outcome: "gone", reason: `${object} has gone.` } : { outcome: "restored" };
  },
});

function remembered(plan: Plan) {
  const { cluster, namespace, name, workloadKind } = plannedTarget(plan, "workload");
  const data = dataSchema.parse(plan.data);
  const held: Held | null =
    data.held === null ? null : { cluster, keys: data.held, remediationId: plan.remediationId };
  return { data, held, object: `${workloadKind} ${namespace}/${name}` };
}

/** One change of the plan, and its object as it is now; null: it has gone, or has ended by itself. */
interface Found {
  readonly change: StopChange;
  readonly workload: WorkloadState | null;
}

async function statesOf(
  plan: Plan,
  changes: readonly StopChange[],
  reader: KubernetesReader,
): Promise<readonly Found[]> {
  const { namespace } = plannedTarget(plan, "workload");
  return Promise.all(
    changes.map(async (change) => {
      const found = await reader.workloadState(change.kind, namespace, change.name);
      return { change, workload: found?.uid === change.uid && !found.ended ? found : null };
    }),
  );
}

/** The target itself, which the changes may leave out where it was stopped already. */
async function topOf(plan: Plan, reader: KubernetesReader): Promise<WorkloadState | null> {
  const { workloadKind, namespace, name } = plannedTarget(plan, "workload");
  const found = await reader.workloadState(workloadKind, namespace, name);
  return found?.uid === plan.identity ? found : null;
}

async function openPlan(plan: Plan, { read }: ReadPorts) {
  const { cluster } = plannedTarget(plan, "workload");
  const reader = read.kubernetes(cluster);
  const { data, held, object } = remembered(plan);
  if ((await topOf(plan, reader)) === null) {
    throw new Conflict(
      `${object} has gone since the plan was made.`,
      "Nothing is left to be stopped; a new one of that name needs a plan of its own.",
    );
  }
  const { namespace } = plannedTarget(plan, "workload");
  const pauses = await findPauses(data.keda, namespace, reader);
  return { changes: await statesOf(plan, data.changes, reader), held, pauses };
}

async function tellKeda(
  plan: Plan,
  pauses: readonly FoundPause[],
  writes: readonly ReturnType<typeof pausing>[],
  { write }: WritePorts,
): Promise<void> {
  const { cluster, namespace } = plannedTarget(plan, "workload");
  for (const [index, { scaled }] of pauses.entries()) {
    const change = writes[index] ?? null;
    if (change === null || scaled === null) continue;
    await write.kubernetes(cluster).annotateScaledObject(namespace, scaled.name, scaled, change);
  }
}

/** Raises `Conflict` over an entry that somebody else has written, before anything is taken back. */
async function checkHeld({ keys, remediationId }: Held, reader: KubernetesReader): Promise<void> {
  const list = await reader.holdList();
  if (list !== null) requireOwn(list, keys, remediationId);
}

function canRestart(
  plan: Plan,
  change: StopChange,
  workload: WorkloadState | null,
  zeroed: boolean,
): boolean {
  if (workload === null) return true;
  const standing = standingOf(change, plan.remediationId, workload);
  return standing !== "other" && (zeroed || standing !== "unmarked");
}

/** What is not there of a change that was made; who did it, where the cluster tells. */
function whyNotStopped(plan: Plan, change: StopChange, workload: WorkloadState | null): string[] {
  if (workload === null || standingOf(change, plan.remediationId, workload) === "stopped") return [];
  return workload.stop === change.after
    ? [`${nameOf(workload)} is stopped, but not under our mark.`]
    : [`${nameOf(workload)} ${wish(workload)}.`];
}

function nameOf({ kind, namespace, name }: WorkloadState): string {
  return `${kind} ${namespace}/${name}`;
}

/** What has not ended yet, if anything. A CronJob's number is of Jobs, which may be suspended and still count. */
function stillRunning(top: WorkloadState, { names }: PodsLeft): Verification | null {
  const counted = top.kind === "CronJob" ? 0 : top.present;
  const left = Math.max(counted, names.length);
  if (left === 0) return null;
  const which = names.length === 0 ? "" : `: ${names.slice(0, 5).join(", ")}${names.length > 5 ? ", …" : ""}`;
  return {
    verdict: "not-yet",
    reason: `${nameOf(top)} still has ${left} ${left === 1 ? "pod" : "pods"}${which}.`,
    retryAfterMs: POLL_MS,
  };
}

/** Nothing of it runs: is that all, and how sure is it? */
async function remaining(
  top: WorkloadState,
  states: readonly Found[],
  {
    left,
    held,
    resumed,
  }: { readonly left: PodsLeft; readonly held: Held | null; readonly resumed: readonly string[] },
  reader: KubernetesReader,
): Promise<Verification> {
  const jobs = await jobsOf(top, reader);
  const remains = [
    ...resumed,
    ...jobs.map((job) => `${nameOf(job)} was started by it and is not suspended.`),
    ...states.flatMap(({ change, workload }) =>
      (workload === null ? [] : lostPauses(change, workload)).map(
        (key) =>
          `Somebody has changed the annotation ${key} of ${change.kind} ${change.name}: it may be started again.`,
      ),
    ),
  ];
  if (remains.length > 0) return { verdict: "partial", remains };
  // What the API server does with a new pod is not tried.
  return { verdict: "holds", proof: held === null && left.whole ? "proved" : "declared" };
}
