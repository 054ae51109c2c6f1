import { HOLD_LIST, OWN_NAMESPACE } from "../../src/model/incident-mark.ts";
import { node } from "../playbooks/cluster-objects.ts";
import { kedaInstalled, scaledObject } from "../playbooks/keda-objects.ts";
import {
  holdListObjects,
  meddled,
  nightly,
  running,
  SINGLE_KINDS,
  workloadTarget,
} from "../playbooks/workload-objects.ts";
import type { Scenario } from "./playbook-scenarios.ts";

/** The list of held workloads, in which somebody else has written one of ours. */
function takenKey(key: string): object {
  return {
    apiVersion: "defender-reflex.dev/v1",
    kind: "AdmissionList",
    metadata: { namespace: OWN_NAMESPACE, name: HOLD_LIST },
    spec: { entries: { [key]: "an operator wrote this" } },
  };
}

/** The kinds of which `running` makes three pods. */
const THREE = ["Deployment", "StatefulSet", "ReplicaSet", "ReplicationController", "DeploymentConfig"];

/** The situations of the playbooks that act upon workloads. */
export const workloadScenarios: readonly Scenario[] = [
  ...SINGLE_KINDS.map((kind) => ({
    name: THREE.includes(kind) ? `a ${kind} of three pods` : `a running ${kind}`,
    playbook: "scale-to-zero",
    objects: [node("n1"), running(kind, "web"), running(kind, "other")],
    vanished: [node("n1"), running(kind, "other")],
    target: workloadTarget(kind, "web"),
    parameters: {},
    foreign: [meddled(kind, "web")],
  })),
  {
    name: "a CronJob and the Job that it has begun",
    playbook: "scale-to-zero",
    get objects() {
      return nightly();
    },
    vanished: [node("n1")],
    target: workloadTarget("CronJob", "nightly"),
    parameters: {},
    foreign: [meddled("CronJob", "nightly")],
  },
  {
    name: "a Deployment that KEDA scales",
    playbook: "scale-to-zero",
    objects: [kedaInstalled(), running("Deployment", "web"), scaledObject("queue", { name: "web" })],
    vanished: [kedaInstalled(), scaledObject("queue", { name: "web" })],
    target: workloadTarget("Deployment", "web"),
    parameters: {},
    foreign: [meddled("Deployment", "web")],
  },
  {
    name: "a Deployment that is held as well",
    playbook: "scale-to-zero",
    objects: [...holdListObjects(), running("Deployment", "web"), running("Deployment", "other")],
    vanished: [...holdListObjects(), running("Deployment", "other")],
    target: workloadTarget("Deployment", "web"),
    parameters: { hold: true },
    foreign: [takenKey("shop_Deployment.apps_web")],
  },
  ...SINGLE_KINDS.map((kind) => ({
    name: `a running ${kind}`,
    playbook: "hold-workload",
    objects: [...holdListObjects(), node("n1"), running(kind, "web"), running(kind, "other")],
    vanished: [...holdListObjects(), node("n1"), running(kind, "other")],
    target: workloadTarget(kind, "web"),
    parameters: {},
    foreign: [takenKey(keyOf(kind))],
  })),
  {
    name: "a CronJob and the Job that it has begun",
    playbook: "hold-workload",
    get objects() {
      return [...holdListObjects(), ...nightly()];
    },
    vanished: [...holdListObjects(), node("n1")],
    target: workloadTarget("CronJob", "nightly"),
    parameters: {},
    foreign: [takenKey("shop_CronJob.batch_nightly")],
  },
];

/** Written out, since the policy's manifest and its list are all that an operator sees. */
function keyOf(kind: (typeof SINGLE_KINDS)[number]): string {
  const groups: Readonly<Record<string, string>> = {
    Job: ".batch",
    ReplicationController: "",
    DeploymentConfig: ".apps.openshift.io",
    Rollout: ".argoproj.io",
  };
  return `shop_${kind}${groups[kind] ?? ".apps"}_web`;
}
