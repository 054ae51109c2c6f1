import { EGRESS_LABEL, INCIDENT_LABEL } from "../../src/model/incident-mark.ts";
import { budget, ciliumCluster, endpoint, service } from "../playbooks/cilium-objects.ts";
import { CLUSTER, pod, policy, workload } from "../playbooks/cluster-objects.ts";
import { adminPolicy, calicoCluster, calicoPolicy, ovnCluster } from "../playbooks/engine-objects.ts";
import type { Scenario } from "./playbook-scenarios.ts";

const REMEDIATION = "a-0198c0ffee-x7";
const target = { kind: "pod", cluster: CLUSTER, namespace: "shop", name: "web-1" } as const;
const labels = { app: "web", tier: "web" };
const marked = (name: string, mark: string): object[] => [
  pod(name, { metadata: { labels: { ...labels, [mark]: "b-someone-else" } } }),
];
const parameters = { keep: [{ cidr: "10.1.0.0/16", ports: [{ port: 5432 }] }, { pods: { app: "db" } }] };

const egressOf = (label: string): object =>
  policy("let-out", {
    podSelector: { matchLabels: { [label]: "web" } },
    policyTypes: ["Egress"],
    egress: [{ to: [{ ipBlock: { cidr: "203.0.113.0/24" } }] }],
  });

/** Owners of a pod, and the label by which another policy lets more out. */
const OWNERS = [
  { kind: "ReplicaSet", group: "apps/v1", opened: "app" },
  { kind: "StatefulSet", group: "apps/v1", opened: "tier" },
  { kind: "DaemonSet", group: "apps/v1", opened: "tier" },
  { kind: "Job", group: "batch/v1", opened: "tier" },
] as const;

function owned({ kind, group }: (typeof OWNERS)[number]): object[] {
  const uid = "0f0f0f0f-1111-4222-8333-555555555555";
  const owner = { apiVersion: group, kind, name: "web", uid, controller: true };
  return [
    { apiVersion: "v1", kind: "Node", metadata: { name: "n1" } },
    { ...workload(kind, "web", 1, { metadata: { uid } }), apiVersion: group },
    // As a StatefulSet would call it.
    pod("web-0", { metadata: { labels, ownerReferences: [owner] } }),
  ];
}

const pods = [pod("web-1", { metadata: { labels } }), pod("web-2", { metadata: { labels } })];

/** A pod with a service, a budget and an agent that says what it enforces. */
const surrounded = (mark: string): object[] => [
  ...ciliumCluster(),
  pod("web-1", { metadata: { labels } }),
  pod("web-2", { metadata: { labels } }),
  endpoint("web-1", REMEDIATION, {}, mark),
  service("front", { tier: "web" }),
  service("web", { app: "web" }),
  budget("front", { tier: "web" }),
];

/** The situations of the playbooks that write network policies. */
export const networkScenarios: readonly Scenario[] = [
  {
    name: "a pod of a service, which Cilium reports on",
    playbook: "isolate-pod",
    objects: [
      ...surrounded(INCIDENT_LABEL),
      policy("open", { podSelector: { matchLabels: { tier: "web" } }, ingress: [{}] }),
    ],
    vanished: [pod("web-2")],
    target,
    parameters: {},
    foreign: marked("web-1", INCIDENT_LABEL),
  },
  {
    name: "a pod that a policy keeps open, denied by Cilium",
    playbook: "isolate-pod",
    objects: [...surrounded(INCIDENT_LABEL), policy("open", { podSelector: {}, ingress: [{}] })],
    vanished: [pod("web-2")],
    target,
    parameters: { engine: "cilium" },
    foreign: [
      {
        apiVersion: "cilium.io/v2",
        kind: "CiliumNetworkPolicy",
        metadata: {
          namespace: "shop",
          name: `reflex-deny-${REMEDIATION}`,
          labels: { [INCIDENT_LABEL]: REMEDIATION },
        },
        spec: { endpointSelector: {}, egressDeny: [{ toEntities: ["world"] }] },
      },
    ],
  },
  {
    name: "a pod that is let out, denied by OVN-Kubernetes",
    playbook: "isolate-pod",
    objects: [...ovnCluster(), ...pods, egressOf("tier"), adminPolicy("before", 0, ["Deny"])],
    vanished: [pod("web-2")],
    target,
    parameters: { engine: "ovn" },
    foreign: [
      {
        apiVersion: "policy.networking.k8s.io/v1alpha1",
        kind: "AdminNetworkPolicy",
        metadata: { name: `reflex-deny-${REMEDIATION}`, labels: { [INCIDENT_LABEL]: REMEDIATION } },
        spec: { priority: 1, subject: { namespaces: {} }, egress: [{ action: "Allow" }] },
      },
    ],
  },
  {
    name: "a pod that is let out, denied by Calico",
    playbook: "isolate-pod",
    objects: [
      ...calicoCluster(),
      ...pods,
      egressOf("tier"),
      calicoPolicy("late", { namespace: "shop", order: 10, egress: [{ action: "Allow" }] }),
      calicoPolicy("global", { order: 0, ingress: [{ action: "Deny" }] }),
    ],
    vanished: [pod("web-2")],
    target,
    parameters: { engine: "calico" },
    foreign: [
      {
        apiVersion: "projectcalico.org/v3",
        kind: "NetworkPolicy",
        metadata: {
          namespace: "shop",
          name: `default.reflex-deny-${REMEDIATION}`,
          labels: { [INCIDENT_LABEL]: REMEDIATION },
        },
        spec: { order: 0, selector: "all()", egress: [{ action: "Allow" }] },
      },
    ],
  },
  {
    name: "a pod of a service, which Cilium reports on, let out by a label",
    playbook: "restrict-egress",
    objects: [...surrounded(EGRESS_LABEL), egressOf("tier")],
    vanished: [pod("web-2")],
    target,
    parameters: { dns: false },
    foreign: marked("web-1", EGRESS_LABEL),
  },
  {
    name: "a pod that no policy selects, with a list that is kept",
    playbook: "restrict-egress",
    objects: [pod("web-1"), pod("web-2")],
    vanished: [pod("web-2")],
    target,
    parameters,
    foreign: [
      policy(
        `reflex-egress-${REMEDIATION}`,
        {
          podSelector: { matchLabels: { [EGRESS_LABEL]: REMEDIATION } },
          policyTypes: ["Egress"],
          egress: [{}],
        },
        { [INCIDENT_LABEL]: REMEDIATION },
      ),
    ],
  },
  ...OWNERS.map((owner) => ({
    name: `a pod of a ${owner.kind}, let out by the label ${owner.opened}`,
    playbook: "restrict-egress",
    objects: [...owned(owner), egressOf(owner.opened)],
    vanished: [],
    target: { ...target, name: "web-0" },
    parameters,
    foreign: marked("web-0", EGRESS_LABEL),
  })),
];
