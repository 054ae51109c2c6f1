import { Refused } from "../../model/errors.ts";
import type { KubernetesReader, KubernetesWriter } from "../../model/kubernetes-port.ts";

/** The few calls that are answered without the cluster. */
type Answered = "blockList" | "marked" | "pulls";
type Changed = "changeBlockList";

/**
 * The ports to a cluster that nobody reaches, but for the block list: every member refuses by one sentence. A member that
 * a port gains is missing here until somebody has decided that it refuses as well: the compiler asks.
 */
export function blindPorts(cluster: string): {
  readonly reader: Omit<KubernetesReader, Answered>;
  readonly writer: Omit<KubernetesWriter, Changed>;
} {
  const no = (): Promise<never> =>
    Promise.reject(
      new Refused(
        `Cluster ${cluster} is reached by Flux alone: nothing can be read there.`,
        "Give the app a route to its API server and connect by aks or token; block-image alone needs no reading.",
      ),
    );
  return { reader: readsOf(no), writer: writesOf(no) };
}

function readsOf(no: () => Promise<never>): Omit<KubernetesReader, Answered> {
  return {
    pod: no,
    pods: no,
    namespace: no,
    node: no,
    nodes: no,
    podsOnNode: no,
    workload: no,
    workloadState: no,
    ownedWorkloads: no,
    autoscalers: no,
    networkPolicy: no,
    networkPolicies: no,
    holdList: no,
    tryPods: no,
    podRules: no,
    eachPod: no,
    rawPod: no,
    rawWorkload: no,
    rawNode: no,
    rawServiceAccount: no,
    events: no,
    roleBindings: no,
    clusterRoleBindings: no,
    readableNetworkPolicies: no,
    log: no,
    services: no,
    disruptionBudgets: no,
    daemonSet: no,
    apiGroups: no,
    ciliumEndpoint: no,
    enginePolicy: no,
    enginePolicies: no,
    roleBinding: no,
    serviceAccount: no,
    webhooks: no,
    service: no,
    sessionList: no,
    scaledObject: no,
    scaledObjects: no,
  };
}

function writesOf(no: () => Promise<never>): Omit<KubernetesWriter, Changed> {
  return {
    createDenyAllPolicy: no,
    createEgressPolicy: no,
    createEngineDeny: no,
    deleteNetworkPolicy: no,
    deleteEngineDeny: no,
    labelPod: no,
    deletePod: no,
    evictPod: no,
    askEviction: no,
    cordonNode: no,
    changeWorkload: no,
    recordEvent: no,
    changeHoldList: no,
    changePodRules: no,
    changeSessionList: no,
    deleteRoleBinding: no,
    deleteServiceAccount: no,
    createServiceAccount: no,
    selectObjects: no,
    admitSources: no,
    annotateScaledObject: no,
  };
}
