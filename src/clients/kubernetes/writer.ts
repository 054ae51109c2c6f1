import { FIELD_MANAGER } from "../../model/incident-mark.ts";
import type { KubernetesWriter } from "../../model/kubernetes-port.ts";
import { writeBlockList } from "./block-list.ts";
import { checkedDeletion, checkedMetadata } from "./checked-answer.ts";
import type { Connection } from "./connection.ts";
import { createEgressPolicy } from "./egress-policy.ts";
import { writeEnginePolicies } from "./engine-policies.ts";
import { writeEvictions } from "./evictions.ts";
import { writeHoldList } from "./hold-list.ts";
import { checkName, checkNamespace } from "./object-names.ts";
import { nodeFrom, podFrom } from "./objects-from-api.ts";
import { writePodRules } from "./pod-rules.ts";
import { policyOf } from "./reader.ts";
import { writeRoleBindings } from "./role-bindings.ts";
import { writeScaledObjects } from "./scaled-objects.ts";
import { writeServiceAccounts } from "./service-accounts.ts";
import { writeServices } from "./services.ts";
import { writeSessionList } from "./session-list.ts";
import { writeWebhooks } from "./webhooks.ts";
import { writeWorkloads } from "./workload-states.ts";
import { writeEvent } from "./write-event.ts";

const fieldManager = FIELD_MANAGER;
const networking = { apiGroup: "networking.k8s.io", resource: "networkpolicies" } as const;

/** The writing port over one connection. */
export function createWriter(connection: Connection): KubernetesWriter {
  const { call, find } = connection;
  return {
    ...writeEvent(connection),
    ...writeEnginePolicies(connection),
    createEgressPolicy: (policy) => createEgressPolicy(connection, policy),
    ...writeRoleBindings(connection),
    ...writeServiceAccounts(connection),
    ...writeWebhooks(connection),
    ...writeServices(connection),
    ...writeSessionList(connection),
    ...writeScaledObjects(connection),
    async createDenyAllPolicy({ namespace, name, podLabel, labels, annotations }) {
      checkNamespace(namespace);
      checkName(name);
      const [key, value] = podLabel;
      return call({ verb: "create", ...networking, namespace, name }, async (apis) => {
        // The client leaves out, without a word, what its types do not know: read back before relying on it.
        const answer = await apis.networking.createNamespacedNetworkPolicy({
          namespace,
          fieldManager,
          body: {
            apiVersion: "networking.k8s.io/v1",
            kind: "NetworkPolicy",
            metadata: { namespace, name, labels: { ...labels }, annotations: { ...annotations } },
            // Both directions by name: without a section of its own, egress would not be covered.
            spec: { podSelector: { matchLabels: { [key]: value } }, policyTypes: ["Ingress", "Egress"] },
          },
        });
        return policyOf(apis, checkedMetadata(answer, { kind: "NetworkPolicy", namespace, name }), answer);
      });
    },
    async deleteNetworkPolicy(namespace, name, { uid }) {
      checkNamespace(namespace);
      checkName(name);
      await find({ verb: "delete", ...networking, namespace, name }, async (apis) => {
        const answer = await apis.networking.deleteNamespacedNetworkPolicy({
          namespace,
          name,
          body: { preconditions: { uid } },
        });
        checkedDeletion(answer, { kind: "NetworkPolicy", name, uid });
      });
    },
    async labelPod(namespace, name, condition, labels) {
      checkNamespace(namespace);
      checkName(name);
      const { uid, resourceVersion } = condition;
      return call({ verb: "patch", apiGroup: "", resource: "pods", namespace, name }, async (apis) => {
        const answer = await apis.core.patchNamespacedPod(
          { namespace, name, fieldManager, body: { metadata: { uid, resourceVersion, labels } } },
          apis.mergePatch,
        );
        return podFrom(checkedMetadata(answer, { kind: "Pod", namespace, name, uid }), answer);
      });
    },
    async deletePod(namespace, name, { uid, resourceVersion }) {
      checkNamespace(namespace);
      checkName(name);
      await find({ verb: "delete", apiGroup: "", resource: "pods", namespace, name }, async ({ core }) => {
        // No time to end of ours: the pod's own is what it was made for, and zero may leave a container running.
        const body = { preconditions: { uid, resourceVersion } };
        const answer = await core.deleteNamespacedPod({ namespace, name, body });
        checkedMetadata(answer, { kind: "Pod", namespace, name, uid });
      });
    },
    ...writeEvictions(connection),
    async cordonNode(name, { uid, resourceVersion }, { unschedulable, labels }) {
      checkName(name);
      return call({ verb: "patch", apiGroup: "", resource: "nodes", name }, async ({ core, mergePatch }) => {
        const metadata = { uid, resourceVersion, labels };
        // Absent as it was before, rather than false.
        const body = { metadata, spec: { unschedulable: unschedulable ? true : null } };
        const answer = await core.patchNode({ name, fieldManager, body }, mergePatch);
        return nodeFrom(checkedMetadata(answer, { kind: "Node", name, uid }), answer);
      });
    },
    ...writeWorkloads(connection),
    ...writeHoldList(connection),
    ...writeBlockList(connection),
    ...writePodRules(connection),
  };
}
