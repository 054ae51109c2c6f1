import { INCIDENT_LABEL } from "../../src/model/incident-mark.ts";
import type { Target } from "../../src/model/target.ts";
import { blockListObjects, CLUSTER, node, pod, policy, workload } from "../playbooks/cluster-objects.ts";
import { acts } from "./scenarios-acts.ts";
import { admissionScenarios } from "./scenarios-admission.ts";
import { drainScenarios } from "./scenarios-drain.ts";
import { evidenceScenarios } from "./scenarios-evidence.ts";
import { networkScenarios } from "./scenarios-network.ts";
import { workloadScenarios } from "./scenarios-workloads.ts";

/** One situation in which a playbook is held to the contract. A playbook without any fails the suite. */
export interface Scenario {
  readonly name: string;
  readonly playbook: string;
  /** The cluster before. */
  readonly objects: readonly object[];
  /** The cluster in which the target has gone; null where a target cannot go. */
  readonly vanished: readonly object[] | null;
  /** What verify says of what is for good where another of the target's name is there; absent: it holds. */
  readonly again?: "partial";
  /** How many writes it takes; absent: one for each object that its steps touch. */
  readonly writes?: number;
  readonly target: Target;
  readonly parameters: unknown;
  /** What somebody else makes of the touched fields after the change; null where nothing is touched. */
  readonly foreign: readonly object[] | null;
}

/** The remediation of every scenario. */
export const REMEDIATION = "a-0198c0ffee-x7";

const allowAll = policy("allow-web", { podSelector: { matchLabels: { app: "shop" } }, ingress: [{}] });

/** Owners of a pod, and the label by which another policy lets traffic through. */
const OWNERS = [
  { kind: "ReplicaSet", opened: "app" },
  { kind: "StatefulSet", opened: "tier" },
  { kind: "DaemonSet", opened: "tier" },
  { kind: "Job", opened: "tier" },
] as const;

/** One pod and what controls it. */
function owned(kind: (typeof OWNERS)[number]["kind"]): object[] {
  const uid = "0f0f0f0f-1111-4222-8333-444444444444";
  const group = kind === "Job" ? "batch/v1" : "apps/v1";
  const owner = { apiVersion: group, kind, name: "web", uid, controller: true };
  return [
    {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name: "n1" },
      status: { conditions: [{ type: "Ready", status: "True" }] },
    },
    { ...workload(kind, "web", 1, { metadata: { uid } }), apiVersion: group },
    pod("web-0", { metadata: { labels: { app: "web", tier: "web" }, ownerReferences: [owner] } }),
  ];
}

/** The situations of all playbooks. */
export const scenarios: readonly Scenario[] = [
  ...networkScenarios,
  {
    name: "a pod that no other policy selects",
    playbook: "isolate-pod",
    objects: [pod("web-1"), pod("web-2"), allowAll],
    vanished: [pod("web-2"), allowAll],
    target: { kind: "pod", cluster: CLUSTER, namespace: "shop", name: "web-1" },
    parameters: {},
    foreign: [pod("web-1", { metadata: { labels: { app: "web", [INCIDENT_LABEL]: "b-someone-else" } } })],
  },
  {
    name: "a pod without labels whose policy somebody opens",
    playbook: "isolate-pod",
    objects: [pod("bare", { metadata: { labels: {} } })],
    vanished: [],
    target: { kind: "pod", cluster: CLUSTER, namespace: "shop", name: "bare" },
    parameters: {},
    foreign: [
      policy(
        `reflex-isolate-${REMEDIATION}`,
        {
          podSelector: { matchLabels: { [INCIDENT_LABEL]: REMEDIATION } },
          policyTypes: ["Ingress", "Egress"],
          egress: [{}],
        },
        { [INCIDENT_LABEL]: REMEDIATION },
      ),
    ],
  },
  ...OWNERS.map(({ kind, opened }) => ({
    name: `a pod of a ${kind}, let through by the label ${opened}`,
    playbook: "isolate-pod",
    objects: [
      ...owned(kind),
      policy("open", { podSelector: { matchLabels: { [opened]: "web" } }, ingress: [{}] }),
    ],
    vanished: [],
    target: { kind: "pod", cluster: CLUSTER, namespace: "shop", name: "web-0" } as const,
    parameters: {},
    foreign: [
      pod("web-0", {
        metadata: { labels: { app: "web", tier: "web", [INCIDENT_LABEL]: "b-someone-else" } },
      }),
    ],
  })),
  ...workloadScenarios,
  {
    name: "an image of which reference and digest are known",
    playbook: "block-image",
    objects: blockListObjects(),
    vanished: null,
    target: {
      kind: "image",
      cluster: CLUSTER,
      reference: "evil/miner:1",
      digest: `sha256:${"4f".repeat(32)}`,
    },
    parameters: {},
    foreign: [
      {
        apiVersion: "defender-reflex.dev/v1",
        kind: "AdmissionList",
        metadata: { namespace: "defender-reflex", name: "reflex-blocked-images" },
        spec: { entries: { "docker.io_S_evil_S_miner_T_1": "an operator wrote this" } },
      },
    ],
  },
  ...admissionScenarios,
  ...(["eviction", "delete"] as const).map((by) => ({
    name: `a bare pod, by ${by}`,
    playbook: "terminate-pod",
    objects: [pod("web-1"), pod("web-2")],
    vanished: [pod("web-2")],
    target: { kind: "pod", cluster: CLUSTER, namespace: "shop", name: "web-1" } as const,
    parameters: { by },
    foreign: null,
  })),
  {
    name: "a node with other labels",
    playbook: "cordon-node",
    objects: [node("n1", { metadata: { labels: { pool: "a" } } }), node("n2")],
    vanished: [node("n2")],
    target: { kind: "node", cluster: CLUSTER, name: "n1" },
    parameters: {},
    foreign: [
      node("n1", {
        metadata: { labels: { pool: "a", [INCIDENT_LABEL]: "b-someone-else" } },
        spec: { unschedulable: true },
      }),
    ],
  },
  ...drainScenarios,
  ...evidenceScenarios,
  ...acts,
  {
    name: "an alert",
    playbook: "notify",
    objects: [],
    vanished: null,
    target: { kind: "alert", id: "2517a1b2-alert" },
    parameters: {},
    foreign: null,
  },
];
