import { z } from "zod";
import type { EnginePolicy } from "../model/engine-policies.ts";
import { INCIDENT_LABEL } from "../model/incident-mark.ts";
import type { Labels } from "../model/kubernetes-objects.ts";
import { selects } from "../model/kubernetes-port.ts";
import type { Rival, StrongerEngine } from "./stronger-engine.ts";

/** OVN-Kubernetes takes these and no others, the lower first. */
const PRIORITIES = Array.from({ length: 100 }, (_none, priority) => priority);
const NAMESPACE_NAME = "kubernetes.io/metadata.name";

/**
 * The AdminNetworkPolicy (policy.networking.k8s.io/v1alpha1). It is asked before every network policy and what it denies
 * stays denied. Its egress covers pods and addresses, but its ingress knows pods alone: what comes from outside and from
 * nodes is up to the network policies, and so probes of the kubelet pass as they did.
 */
export const denyByOvn: StrongerEngine = {
  word: "ovn",
  engine: "OVN-Kubernetes",
  kind: "AdminNetworkPolicy",
  title: "AdminNetworkPolicy",
  denies: "all that pods with our label send, and what other pods send to them",
  plural: "adminnetworkpolicies",
  isNamespaced: false,
  nameOf: (remediationId) => `reflex-deny-${remediationId}`,
  specOf: (remediationId, namespace, priority) => ({
    priority,
    subject: {
      pods: {
        namespaceSelector: { matchLabels: { [NAMESPACE_NAME]: namespace } },
        podSelector: { matchLabels: { [INCIDENT_LABEL]: remediationId } },
      },
    },
    ingress: [{ name: "deny-all", action: "Deny", from: [{ namespaces: {} }] }],
    egress: [
      {
        name: "deny-all",
        action: "Deny",
        to: [{ namespaces: {} }, { networks: ["0.0.0.0/0", "::/0"] }],
      },
    ],
  }),
  asMade: (spec) => spec,
  async rivals({ pod, ownName }, reader) {
    const policies = await reader.enginePolicies("AdminNetworkPolicy", {});
    if (typeof policies === "string") return policies;
    const others = policies.filter(({ name }) => name !== ownName);
    // Without any there is nobody to be compared with the namespace's labels.
    const namespace = others.length === 0 ? null : await reader.namespace(pod.namespace);
    return others.map((policy) => rivalOf(policy, namespace?.labels ?? null, pod.labels));
  },
  rankAmong: (rivals) => PRIORITIES.find((priority) => rivals.every(({ rank }) => rank !== priority)) ?? null,
  // Earlier ones do not even set the second up.
  mustBeAlone: true,
  leaves: ({ direction, peers }) => direction === "ingress" && (peers.length === 0 || !peers.every(isPods)),
  limits: [
    "An AdminNetworkPolicy denies all that the pod sends, and what other pods send to it, whatever network policies allow; what comes from outside the cluster and from nodes is up to network policies.",
  ],
  complaints(status, node) {
    const conditions = statusSchema.safeParse(status).data?.conditions ?? [];
    return conditions
      .filter(({ type, status: is }) => is === "False" && type === `Ready-In-Zone-${node ?? "global"}`)
      .map(({ type }) => `OVN-Kubernetes reports that our AdminNetworkPolicy is not set up (${type}).`);
  },
};

const selectorSchema = z
  .object({
    matchLabels: z.record(z.string(), z.string()).default({}),
    matchExpressions: z
      .array(
        z.object({
          key: z.string(),
          operator: z.enum(["In", "NotIn", "Exists", "DoesNotExist"]),
          values: z.array(z.string()).default([]),
        }),
      )
      .default([]),
  })
  .strict();
const rules = z.array(z.object({ action: z.string() })).default([]);
const specSchema = z.object({
  priority: z.number(),
  subject: z.union([
    z.strictObject({ namespaces: selectorSchema }),
    z.strictObject({
      pods: z.strictObject({ namespaceSelector: selectorSchema, podSelector: selectorSchema }),
    }),
  ]),
  ingress: rules,
  egress: rules,
});
const prioritySchema = z.object({ priority: z.number() });
const podsSchema = z.strictObject({
  podSelector: z.looseObject({}),
  namespaceSelector: z.null().optional(),
  ipBlock: z.null().optional(),
});
const statusSchema = z.object({
  conditions: z.array(z.object({ type: z.string(), status: z.string() })).nullish(),
});

/** What cannot be read of it speaks against us: then it may select the pod, and allow. */
function rivalOf({ name: object, spec }: EnginePolicy, namespace: Labels | null, labels: Labels): Rival {
  const name = `AdminNetworkPolicy ${object}`;
  const parsed = specSchema.safeParse(spec).data;
  if (parsed === undefined) {
    return { name, rank: prioritySchema.safeParse(spec).data?.priority ?? -Infinity, opens: true };
  }
  const { priority: rank, subject, ingress, egress } = parsed;
  const inNamespace = "pods" in subject ? subject.pods.namespaceSelector : subject.namespaces;
  const isSelected =
    (namespace === null || selects(inNamespace, namespace)) &&
    (!("pods" in subject) || selects(subject.pods.podSelector, labels));
  return { name, rank, opens: isSelected && [...ingress, ...egress].some(({ action }) => action !== "Deny") };
}

/** Pods of the pod's own namespace, and so nothing of nodes or outside: OpenShift puts nodes into a namespace of labels. */
function isPods(peer: unknown): boolean {
  return podsSchema.safeParse(peer).success;
}
