import { FIELD_MANAGER } from "../../model/incident-mark.ts";
import type { NetworkPolicy } from "../../model/kubernetes-objects.ts";
import type { EgressPolicy, EgressRule } from "../../model/network-policies.ts";
import { checkedMetadata } from "./checked-answer.ts";
import type { Connection } from "./connection.ts";
import { checkName, checkNamespace } from "./object-names.ts";
import { policyOf } from "./reader.ts";

/** See `createEgressPolicy` of the port. */
export async function createEgressPolicy(
  { call }: Connection,
  { namespace, name, podLabel, labels, annotations, egress }: EgressPolicy,
): Promise<NetworkPolicy> {
  checkNamespace(namespace);
  checkName(name);
  const [key, value] = podLabel;
  const of = { apiGroup: "networking.k8s.io", resource: "networkpolicies", namespace, name } as const;
  return call({ verb: "create", ...of }, async (apis) => {
    // The client leaves out, without a word, what its types do not know: read back before relying on it.
    const answer = await apis.networking.createNamespacedNetworkPolicy({
      namespace,
      fieldManager: FIELD_MANAGER,
      body: {
        apiVersion: "networking.k8s.io/v1",
        kind: "NetworkPolicy",
        metadata: { namespace, name, labels: { ...labels }, annotations: { ...annotations } },
        spec: {
          podSelector: { matchLabels: { [key]: value } },
          policyTypes: ["Egress"],
          // An empty list is stored as none, which denies as much.
          ...(egress.length === 0 ? {} : { egress: egress.map(typedRule) }),
        },
      },
    });
    return policyOf(apis, checkedMetadata(answer, { kind: "NetworkPolicy", namespace, name }), answer);
  });
}

function typedRule({ to, ports }: EgressRule) {
  return {
    to: to.map(({ ipBlock, namespaceSelector, podSelector }) => ({
      ...(ipBlock === undefined
        ? {}
        : {
            ipBlock: {
              cidr: ipBlock.cidr,
              ...(ipBlock.except === undefined ? {} : { except: [...ipBlock.except] }),
            },
          }),
      ...(namespaceSelector === undefined ? {} : { namespaceSelector: labelsOf(namespaceSelector) }),
      ...(podSelector === undefined ? {} : { podSelector: labelsOf(podSelector) }),
    })),
    ...(ports === undefined ? {} : { ports: ports.map((port) => ({ ...port })) }),
  };
}

/** An empty map is stored as none. */
function labelsOf({ matchLabels }: { readonly matchLabels: Readonly<Record<string, string>> }) {
  return Object.keys(matchLabels).length === 0 ? {} : { matchLabels: { ...matchLabels } };
}
