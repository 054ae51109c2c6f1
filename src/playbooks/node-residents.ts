import { Refused } from "../model/errors.ts";
import { EGRESS_LABEL, INCIDENT_LABEL } from "../model/incident-mark.ts";
import {
  type Namespace,
  type Owner,
  type Pod,
  WORKLOAD_KINDS,
  type Workload,
} from "../model/kubernetes-objects.ts";
import { selects } from "../model/kubernetes-port.ts";
import type { DisruptionBudget } from "../model/network-surroundings.ts";
import type { NodePod, NodeReader } from "../model/node-port.ts";
import type { ReadPorts } from "../model/playbook.ts";
import { isOptedOut } from "./opted-out.ts";

/** Above a pod stand two or three; more are a circle. */
const MOST_OWNERS = 8;

/** The node that is looked at, and the pod on it that is nobody's to move. */
export interface Household {
  readonly cluster: string;
  readonly node: string;
  readonly suspect: Pick<Pod, "namespace" | "name" | "uid">;
}

/** A pod that may be moved, and the workload at the top of its owners (`Deployment shop/web`). */
export interface Mover<P extends Pod = NodePod> {
  readonly pod: P;
  readonly owner: string;
}

/** A pod that stays, and why, for the end of "…, since". */
export interface Stayer {
  readonly pod: Pod;
  readonly why: string;
}

/** Who is on a node beside the suspect. `whole`: these are all. */
export interface Residents {
  readonly movers: readonly Mover[];
  readonly stayers: readonly Stayer[];
  readonly budgets: readonly DisruptionBudget[];
  readonly whole: boolean;
}

/** Judges everybody of a node's list but the suspect: who may be moved, and who stays for which reason. */
export async function residentsOf(
  household: Household,
  { pods, whole }: Awaited<ReturnType<NodeReader["podsOnNode"]>>,
  read: ReadPorts["read"],
): Promise<Residents> {
  const budgets = await read.kubernetes(household.cluster).disruptionBudgets();
  const judge = judging(household, budgets, read);
  const others = pods.filter((pod) => !isSuspect(pod, household));
  const judged = await Promise.all(
    others.map((pod): Promise<Mover | Stayer> | Stayer => {
      const why = staysOnList(pod);
      return why === null ? judge(pod) : { pod, why };
    }),
  );
  return {
    movers: judged.flatMap((one) => ("owner" in one ? [one] : [])),
    stayers: judged.flatMap((one) => ("why" in one ? [one] : [])),
    budgets,
    whole,
  };
}

/** Judges one pod by what stands in the cluster now; the suspect, and whoever has got its name, stays. */
export function judgeAnew<P extends Pod>(
  pod: P,
  household: Household,
  budgets: readonly DisruptionBudget[],
  read: ReadPorts["read"],
): Promise<Mover<P> | Stayer> {
  if (isSuspect(pod, household)) return Promise.resolve({ pod, why: "it is the suspect" });
  return judging(household, budgets, read)(pod);
}

/** How many of these could be moved at most, before anything of them is read besides. */
export function couldMove(pods: readonly NodePod[], household: Household): number {
  return pods.filter((pod) => !isSuspect(pod, household) && staysOnList(pod) === null).length;
}

// By its name as well: what came back under it is what the alert may be about.
function isSuspect({ namespace, name, uid }: Pod, { suspect }: Household): boolean {
  return uid === suspect.uid || (namespace === suspect.namespace && name === suspect.name);
}

/** A judge that reads each namespace and each owner once. */
function judging(
  { cluster }: Household,
  budgets: readonly DisruptionBudget[],
  read: ReadPorts["read"],
): <P extends Pod>(pod: P) => Promise<Mover<P> | Stayer> {
  const { protects } = read;
  if (protects === undefined) {
    throw new Refused(
      "What protects the other pods of the node cannot be asked here.",
      "Run it through the app, which knows what is protected.",
    );
  }
  const reader = read.kubernetes(cluster);
  const namespaceOf = remembering((name: string) => reader.namespace(name));
  const workloadOf = remembering(async (key: string) => {
    const [kind = "", namespace = "", name = ""] = key.split("/");
    const known = WORKLOAD_KINDS.find((one) => one === kind);
    return known === undefined ? null : reader.workload(known, namespace, name);
  });
  return async (pod) => {
    const byKind = staysByKind(pod) ?? staysByBudgets(pod, budgets);
    if (byKind !== null) return { pod, why: byKind };
    const around: Namespace | null = await namespaceOf(pod.namespace);
    if (around === null) return { pod, why: "its namespace has gone" };
    const byWord = await protects(pod, around);
    if (byWord !== null) return { pod, why: byWord };
    const above = await topOwner(pod, workloadOf);
    return "why" in above ? { pod, why: above.why } : { pod, owner: above.owner };
  };
}

function staysOnList(pod: NodePod): string | null {
  return (
    staysByKind(pod) ?? (pod.toleratesCordon ? "it tolerates a cordon, and would come right back" : null)
  );
}

function staysByKind({ mirror, controller, phase, labels }: Pod): string | null {
  const label = labels[INCIDENT_LABEL] ?? labels[EGRESS_LABEL];
  if (phase === "Succeeded" || phase === "Failed") return "it has ended by itself";
  if (mirror || controller?.kind === "Node") return "it is a static pod of the node";
  if (controller?.kind === "DaemonSet") return "its DaemonSet would start another right there";
  if (label !== undefined) return `it bears the label of remediation ${label}, and may be evidence`;
  return controller === null ? "nobody controls it, so that nobody would start another" : null;
}

function staysByBudgets(pod: Pod, budgets: readonly DisruptionBudget[]): string | null {
  const counting = budgetsOf(pod, budgets);
  return counting.length > 1 && pod.phase === "Running"
    ? `several disruption budgets count it (${counting.map(({ name }) => name).join(", ")}), and so the API server evicts it never`
    : null;
}

/** The disruption budgets that count a pod. */
export function budgetsOf(pod: Pod, budgets: readonly DisruptionBudget[]): DisruptionBudget[] {
  return budgets.filter(
    ({ namespace, selector }) =>
      namespace === pod.namespace && selector !== null && selects(selector, pod.labels),
  );
}

/** Follows the controllers by uid, so that one made anew under its name is not taken for it (SCL-01). */
async function topOwner(
  { namespace, controller }: Pod,
  workloadOf: (key: string) => Promise<Workload | null>,
): Promise<{ readonly owner: string } | { readonly why: string }> {
  let owner: string | null = null;
  let next: Owner | null = controller;
  for (let above = 0; next !== null; above += 1) {
    const { kind, name, uid } = next;
    if (above === MOST_OWNERS) return { why: "its owners turn in circles" };
    if (!WORKLOAD_KINDS.some((one) => one === kind)) {
      // Whoever makes workloads is not read; whoever makes pods itself may not start another.
      if (owner !== null) break;
      return { why: `its owner, ${kind} ${name}, is of a kind that is not known here` };
    }
    const found: Workload | null = await workloadOf(`${kind}/${namespace}/${name}`);
    if (found?.uid !== uid) return { why: `its owner ${kind} ${namespace}/${name} has gone` };
    if (isOptedOut(found)) return { why: `its owner ${kind} ${namespace}/${name} opted out` };
    owner = `${kind} ${namespace}/${name}`;
    next = found.controller;
  }
  return owner === null ? { why: "nobody controls it, so that nobody would start another" } : { owner };
}

function remembering<T>(read: (key: string) => Promise<T>): (key: string) => Promise<T> {
  const known = new Map<string, Promise<T>>();
  return (key) => {
    const before = known.get(key);
    if (before !== undefined) return before;
    const reading = read(key);
    known.set(key, reading);
    return reading;
  };
}
