/** Kinds of network engines as far as we read and write them: the same groups and names, a part of their schemas. */

const text = { type: "string" };
const map = { type: "object", additionalProperties: text };
const object = (properties: object, required: readonly string[] = []): object => ({
  type: "object",
  properties,
  ...(required.length === 0 ? {} : { required }),
});
const list = (items: object): object => ({ type: "array", items });
const selector = object({
  matchLabels: map,
  matchExpressions: list(object({ key: text, operator: text, values: list(text) }, ["key", "operator"])),
});
const pods = object({ namespaceSelector: selector, podSelector: selector }, [
  "namespaceSelector",
  "podSelector",
]);
/** Of a peer exactly one field, and of a subject too, as their own definitions demand. */
const one = (properties: object): object => ({ ...object(properties), minProperties: 1, maxProperties: 1 });
const rule = (way: string, peers: object): object =>
  object(
    {
      name: { ...text, maxLength: 100 },
      action: { ...text, enum: ["Allow", "Deny", "Pass"] },
      [way]: { ...list(one(peers)), minItems: 1, maxItems: 100 },
    },
    ["action", way],
  );
const adminSpec = object(
  {
    priority: { type: "integer", format: "int32", minimum: 0, maximum: 1000 },
    subject: one({ namespaces: selector, pods }),
    ingress: { ...list(rule("from", { namespaces: selector, pods })), maxItems: 100 },
    egress: {
      ...list(
        rule("to", {
          namespaces: selector,
          nodes: selector,
          pods,
          networks: { ...list({ ...text, maxLength: 43 }), minItems: 1, maxItems: 25 },
        }),
      ),
      maxItems: 100,
    },
  },
  ["priority", "subject"],
);
const end = object({ nets: list(text), selector: text });
const calicoRule = object({ action: text, source: end, destination: end }, ["action"]);
const calicoSpec = object({
  tier: text,
  order: { type: "number" },
  selector: text,
  types: list(text),
  ingress: list(calicoRule),
  egress: list(calicoRule),
});

function definition(
  group: string,
  version: string,
  [plural, kind, scope]: readonly [plural: string, kind: string, scope: string],
  spec: object,
): object {
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: {
      name: `${plural}.${group}`,
      // The API server takes the groups of Kubernetes itself only from who says that this was agreed upon.
      annotations: {
        "api-approved.kubernetes.io": "https://github.com/kubernetes-sigs/network-policy-api/pull/30",
      },
    },
    spec: {
      group,
      scope,
      names: { plural, singular: kind.toLowerCase(), kind, listKind: `${kind}List` },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: object({ spec, status: { type: "object" } }, ["spec"]) },
        },
      ],
    },
  };
}

/** What OVN-Kubernetes installs. */
export const adminKinds: readonly object[] = [
  definition(
    "policy.networking.k8s.io",
    "v1alpha1",
    ["adminnetworkpolicies", "AdminNetworkPolicy", "Cluster"],
    adminSpec,
  ),
];

/** What Calico installs where it keeps its own API as kinds of the cluster. */
export const calicoKinds: readonly object[] = [
  ["networkpolicies", "NetworkPolicy", "Namespaced"] as const,
  ["globalnetworkpolicies", "GlobalNetworkPolicy", "Cluster"] as const,
  ["tiers", "Tier", "Cluster"] as const,
].map((names) =>
  definition(
    "projectcalico.org",
    "v3",
    names,
    names[1] === "Tier" ? object({ order: { type: "number" } }) : calicoSpec,
  ),
);
