// What Falco Talon's actionners `kubernetes:networkpolicy` and `calico:networkpolicy` do, modelled from a description of
// their source (falcosecurity/falco-talon@19d3add, actionners/kubernetes/networkpolicy, actionners/calico/networkpolicy),
// in code of our own.
import type { EngineWire } from "./brute-force-engines.ts";
import type { WirePolicy } from "./brute-force-policies.ts";

/** The pod of an incident as that action sees it. */
export interface TalonPod {
  /** Kind and name of the workload that owns it, found from the pod upwards. */
  readonly owner: { readonly kind: string; readonly name: string };
  readonly labels: Readonly<Record<string, string>>;
}

/** Owners for which it has a branch. */
const BRANCHES = ["Deployment", "DaemonSet", "StatefulSet", "ReplicaSet"];
/** Labels of one revision, which it leaves out of its selector. */
const HASHES = [
  "pod-template-hash",
  "controller-revision-hash",
  "pod-template-generation",
  "statefulset.kubernetes.io/pod-name",
];

/**
 * The policies of the namespace after the action: one for egress alone that denies all, named after the owner, over the
 * owner's labels; where one of that name exists it is overwritten. Other policies, and the pod, stay as they are. Raises
 * for an owner without a branch.
 */
export function talonIsolates(pod: TalonPod, policies: readonly WirePolicy[]): readonly WirePolicy[] {
  const { kind, name } = pod.owner;
  if (!BRANCHES.includes(kind)) throw new TypeError(`there is no branch for a ${kind}`);
  const matchLabels = Object.fromEntries(Object.entries(pod.labels).filter(([key]) => !HASHES.includes(key)));
  const made: WirePolicy = {
    name,
    spec: { podSelector: { matchLabels }, policyTypes: ["Egress"], egress: [] },
  };
  return [...policies.filter((policy) => policy.name !== name), made];
}

/**
 * The policy of Calico's kind that the action makes where no parameter says what to allow: the address of the incident is
 * denied, and everything else allowed, at order 0 and so before every network policy. For egress alone.
 */
export function talonDeniesByCalico({ labels }: TalonPod, address: string): EngineWire {
  const [key = "", value = ""] = Object.entries(labels).find(([label]) => !HASHES.includes(label)) ?? [];
  return {
    kind: "NetworkPolicy",
    spec: {
      selector: `${key} == '${value}'`,
      ingress: [],
      egress: [
        { action: "Deny", destination: { nets: [`${address}/32`] } },
        { action: "Allow", destination: { nets: ["0.0.0.0/0"] } },
      ],
    },
  };
}
