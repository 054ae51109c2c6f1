import type { V1NetworkPolicy } from "@kubernetes/client-node";
import type { NetworkPolicy, Pod } from "../../model/kubernetes-objects.ts";
import type { KubernetesReader } from "../../model/kubernetes-port.ts";
import { readBlockList } from "./block-list.ts";
import { type CheckedMetadata, checkedItems, checkedMetadata, completeMetadata } from "./checked-answer.ts";
import type { Apis, Connection } from "./connection.ts";
import { readEachPod } from "./each-pod.ts";
import { readEnginePolicies } from "./engine-policies.ts";
import { readEvidence } from "./evidence-source.ts";
import { readHoldList } from "./hold-list.ts";
import { readMarked } from "./marked-objects.ts";
import { readSurroundings } from "./network-surroundings.ts";
import { readNodes } from "./nodes.ts";
import { checkName, checkNamespace } from "./object-names.ts";
import { namespaceFrom, nodeFrom, podFrom, policyFrom, workloadFrom } from "./objects-from-api.ts";
import { readPodRules } from "./pod-rules.ts";
import { readRoleBindings } from "./role-bindings.ts";
import { readScaledObjects } from "./scaled-objects.ts";
import { readServiceAccounts } from "./service-accounts.ts";
import { readServices } from "./services.ts";
import { readSessionList } from "./session-list.ts";
import { tryPods } from "./try-pods.ts";
import { readWebhooks } from "./webhooks.ts";
import { WORKLOAD_RESOURCES } from "./workload-resources.ts";
import { readWorkloads } from "./workload-states.ts";

const PODS_OF_A_PAGE = 500;
const PAGES_OF_PODS = 4;

const networking = { apiGroup: "networking.k8s.io", resource: "networkpolicies" } as const;

/** The reading port over one connection. */
export function createReader(connection: Connection): KubernetesReader {
  const { call, find } = connection;
  return {
    async pod(namespace, name) {
      checkNamespace(namespace);
      checkName(name);
      return find({ verb: "get", apiGroup: "", resource: "pods", namespace, name }, async ({ core }) => {
        const answer = await core.readNamespacedPod({ namespace, name });
        return podFrom(checkedMetadata(answer, { kind: "Pod", namespace, name }), answer);
      });
    },
    async pods(namespace) {
      checkNamespace(namespace);
      return readPods(connection, namespace);
    },
    async namespace(name) {
      checkNamespace(name);
      return find({ verb: "get", apiGroup: "", resource: "namespaces", name }, async ({ core }) =>
        namespaceFrom(checkedMetadata(await core.readNamespace({ name }), { kind: "Namespace", name })),
      );
    },
    async node(name) {
      checkName(name);
      return find({ verb: "get", apiGroup: "", resource: "nodes", name }, async ({ core }) => {
        const answer = await core.readNode({ name });
        return nodeFrom(checkedMetadata(answer, { kind: "Node", name }), answer);
      });
    },
    async workload(kind, namespace, name) {
      checkNamespace(namespace);
      checkName(name);
      const { apiGroup, resource, read } = WORKLOAD_RESOURCES[kind];
      return find({ verb: "get", apiGroup, resource, namespace, name }, async (apis) => {
        const answer = await read(apis, { namespace, name });
        return workloadFrom(kind, checkedMetadata(answer, { kind, namespace, name }), answer.spec);
      });
    },
    ...readNodes(connection),
    ...readWorkloads(connection),
    async networkPolicy(namespace, name) {
      checkNamespace(namespace);
      checkName(name);
      return find({ verb: "get", ...networking, namespace, name }, async (apis) => {
        const answer = await apis.networking.readNamespacedNetworkPolicy({ namespace, name });
        return policyOf(apis, checkedMetadata(answer, { kind: "NetworkPolicy", namespace, name }), answer);
      });
    },
    async networkPolicies(namespace) {
      checkNamespace(namespace);
      return call({ verb: "list", ...networking, namespace }, async (apis) => {
        const answer = await apis.networking.listNamespacedNetworkPolicy({ namespace });
        return checkedItems(answer, "NetworkPolicyList").map((item) =>
          policyOf(apis, completeMetadata(item.metadata), item),
        );
      });
    },
    ...readRoleBindings(connection),
    ...readServiceAccounts(connection),
    ...readWebhooks(connection),
    ...readServices(connection),
    ...readSessionList(connection),
    ...readScaledObjects(connection),
    blockList: () => readBlockList(connection),
    ...readHoldList(connection),
    ...readPodRules(connection),
    ...tryPods(connection),
    ...readEachPod(connection),
    marked: () => readMarked(connection),
    ...readEvidence(connection),
    ...readSurroundings(connection),
    ...readEnginePolicies(connection),
  };
}

/** Our policy from the API's answer. */
export function policyOf(apis: Apis, metadata: CheckedMetadata, answer: V1NetworkPolicy): NetworkPolicy {
  return policyFrom(metadata, answer, apis.toWire(answer.spec, "V1NetworkPolicySpec"));
}

async function readPods({ call }: Connection, namespace: string): ReturnType<KubernetesReader["pods"]> {
  const pods: Pod[] = [];
  let next: string | undefined;
  for (let page = 0; page < PAGES_OF_PODS; page += 1) {
    const from = next === undefined ? {} : { _continue: next };
    next = await call({ verb: "list", apiGroup: "", resource: "pods", namespace }, async ({ core }) => {
      const answer = await core.listNamespacedPod({ namespace, limit: PODS_OF_A_PAGE, ...from });
      for (const item of checkedItems(answer, "PodList")) {
        pods.push(podFrom(completeMetadata(item.metadata), item));
      }
      return answer.metadata?._continue;
    });
    if (next === undefined || next === "") return { pods, whole: true };
  }
  return { pods, whole: false };
}
