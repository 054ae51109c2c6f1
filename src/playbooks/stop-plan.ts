import { WORKLOAD_KINDS } from "../model/kubernetes-objects.ts";
import { type KubernetesReader, selects } from "../model/kubernetes-port.ts";
import type { DisruptionBudget } from "../model/network-surroundings.ts";
import type { PlanOutcome } from "../model/playbook.ts";
import type { Target } from "../model/target.ts";
import { STOP_FIELDS, WORKLOAD_GROUPS, type WorkloadState } from "../model/workload-state.ts";
import { holdOf, holdSteps } from "./held-entries.ts";
import { kedaPauses, kedaStep } from "./keda-pause.ts";
import { isOptedOut } from "./opted-out.ts";
import { type StartsAgain, scaledObjectOf, startsAgain } from "./starts-again.ts";
import { isStopped, type StopChange, stopChange, stopStep } from "./stop-change.ts";

/** What is to be planned. */
export interface StopQuestion {
  readonly target: Extract<Target, { kind: "workload" }>;
  /** Keep new pods of it out as well. */
  readonly holds: boolean;
  readonly remediationId: string;
}

const HOLD_LIMITS = [
  "A pod that somebody makes by hand, without the workload as its owner, is not held.",
  "Where it was started again meanwhile, its controller tries again by itself once the hold is lifted: at once, or up to a quarter of an hour later.",
];

/** The plan of a stop: of the workload, of the Jobs that a CronJob has begun, and of the hold before both. */
export async function planStop(
  { target, holds, remediationId }: StopQuestion,
  reader: KubernetesReader,
): Promise<PlanOutcome> {
  const { cluster, namespace, name, workloadKind } = target;
  const object = `${workloadKind} ${namespace}/${name}`;
  const workload = await reader.workloadState(workloadKind, namespace, name);
  if (workload === null) return { outcome: "skip", reason: `${object} has gone.` };
  const obstacle = obstacleTo(workload);
  if (obstacle !== null) return { outcome: "skip", reason: `${object} ${obstacle}.` };
  const keda = kedaPauses(workload, await reader.scaledObjects(namespace));
  if ("obstacle" in keda) return { outcome: "skip", reason: `${object} ${keda.obstacle}.` };
  const autoscalers = await reader.autoscalers(namespace);
  // Those that KEDA made are told of with their ScaledObject.
  const others = autoscalers.filter((one) => !keda.names.has(scaledObjectOf(one) ?? ""));
  const again = startsAgain(workload, others);
  const jobs = await jobsOf(workload, reader);
  const changes = changesOf(workload, jobs, again, remediationId);
  if (changes.length + keda.pauses.length === 0) {
    return { outcome: "no-op", reason: `${object} is stopped already.`, identity: workload.uid };
  }
  const held = holds ? await holdOf(workload, reader, remediationId) : null;
  if (held !== null && "obstacle" in held) return { outcome: "skip", reason: `${object} ${held.obstacle}.` };
  const keys = held?.free ?? [];
  return {
    outcome: "change",
    draft: {
      identity: workload.uid,
      steps: [
        ...holdSteps(cluster, keys, remediationId),
        ...keda.pauses.map((pause) => kedaStep({ cluster, namespace }, pause)),
        ...changes.map((change) => stopStep({ cluster, namespace }, change)),
      ],
      impact: impactOf(workload, holds),
      limits: [
        ...limitsOf(workload),
        ...budgetWords(workload, await reader.disruptionBudgets(namespace)),
        ...jobs
          .filter(isOptedOut)
          .map(({ name: job }) => `The owner of Job ${job} has opted out: it goes on.`),
        ...keda.limits,
        ...again.map(({ limit }) => limit),
        ...(holds ? HOLD_LIMITS : []),
        ...(held?.taken ?? []).map((key) => `${key} is held already, and stays so when this is taken back.`),
      ],
      data: { changes, held: keys.length === 0 ? null : keys, keda: keda.pauses },
    },
  };
}

function obstacleTo(workload: WorkloadState): string | null {
  const { controller, deleting, ended, claimsWhenScaled } = workload;
  if (deleting) return "is being deleted";
  if (ended) return "has ended by itself: nothing of it runs";
  const known = WORKLOAD_KINDS.find(
    (kind) => kind === controller?.kind && groupOf(controller.apiVersion) === WORKLOAD_GROUPS[kind],
  );
  if (known !== undefined && controller !== null) {
    return `belongs to ${known} ${controller.name}, which would start it or another like it again: stop its owner`;
  }
  return claimsWhenScaled === "Delete"
    ? "deletes its volume claims when it is scaled down, and they cannot be brought back"
    : null;
}

function groupOf(apiVersion: string): string {
  return apiVersion.includes("/") ? (apiVersion.split("/")[0] ?? "") : "";
}

/** The Jobs that a CronJob has begun and that go on: suspending it does not touch them. None for other kinds. */
export async function jobsOf(
  workload: WorkloadState,
  reader: KubernetesReader,
): Promise<readonly WorkloadState[]> {
  if (workload.kind !== "CronJob") return [];
  const { workloads } = await reader.ownedWorkloads("Job", workload.namespace);
  return workloads
    .filter(({ controller, ended, deleting }) => controller?.uid === workload.uid && !ended && !deleting)
    .filter((job) => !isStopped(job));
}

function changesOf(
  workload: WorkloadState,
  jobs: readonly WorkloadState[],
  again: readonly StartsAgain[],
  remediationId: string,
): StopChange[] {
  const pauses = Object.fromEntries(again.flatMap(({ pause }) => (pause === null ? [] : [pause])));
  return [
    ...(isStopped(workload) ? [] : [stopChange(workload, remediationId, pauses)]),
    // By name, so that a second plan is the same.
    ...jobs
      .filter((job) => !isOptedOut(job))
      .toSorted((one, other) => (one.name < other.name ? -1 : 1))
      .map((job) => stopChange(job, remediationId, {})),
  ];
}

function impactOf({ kind }: WorkloadState, holds: boolean): string {
  const what =
    kind === "CronJob"
      ? "What the workload has begun is suspended and its pods end, and it begins nothing new"
      : "All pods of the workload end, and what it serves is down";
  return `${what} until this is taken back${holds ? "; whoever starts it again gets no pods" : ""}.`;
}

/** The budgets that count its pods, a sentence each. Its pods are known by the labels of their template. */
function budgetWords({ templateLabels }: WorkloadState, budgets: readonly DisruptionBudget[]): string[] {
  return budgets.flatMap(({ namespace, name, selector, allowed }) =>
    selector !== null && selects(selector, templateLabels)
      ? [
          `PodDisruptionBudget ${namespace}/${name}, which lets ${allowed ?? 0} of its pods go now, counts these and is not asked: the availability that it promises ends.`,
        ]
      : [],
  );
}

function limitsOf({ kind }: WorkloadState): string[] {
  const asked = "No disruption budget is asked: these guard evictions only.";
  const ending = "Pods end within their own time to end; a node that does not answer may keep them.";
  switch (STOP_FIELDS[kind]) {
    case "nodeSelector":
      return [
        asked,
        ending,
        "Its pod template changes, which is a new revision of it, and once more when it is taken back.",
      ];
    case "suspend":
      return [
        asked,
        ending,
        "What its pods have done so far is lost; taken back, they begin anew, and a deadline counts anew.",
      ];
    case "replicas":
      return [asked, ending];
  }
}
