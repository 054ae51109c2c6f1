import type { Labels, Node, Pod } from "../model/kubernetes-objects.ts";
import type { KubernetesReader } from "../model/kubernetes-port.ts";
import type { Verification } from "../model/playbook.ts";

/** The engines of network policies that are known here. */
export type EngineName =
  | "Azure NPM"
  | "Cilium"
  | "Calico"
  | "OVN-Kubernetes"
  | "OpenShift SDN"
  | "Antrea"
  | "kube-router"
  | "kindnet";

/** Who enforces network policies for a pod. */
export type NetworkEngine =
  /** Its agent was seen: the DaemonSet `namespace/name`. */
  | { readonly found: "engine"; readonly engine: EngineName; readonly agent: string }
  /** It cannot be told; `why` is a sentence. */
  | { readonly found: "unknown"; readonly engine: EngineName | null; readonly why: string }
  /** Nobody does, so far as can be seen; `why` ends "Pod x/y …". */
  | { readonly found: "none"; readonly why: string };

interface Known {
  readonly engine: EngineName;
  /** Its agents on nodes of that system. */
  readonly linux: readonly string[];
  readonly windows: readonly string[];
  /** How the annotations and labels begin that it puts on nodes. */
  readonly marks: readonly string[];
  /** The API group of its own kinds. */
  readonly group: string | null;
}

/**
 * Where engines run, by the manifests of each (Azure NPM and Calico as AKS has them, OVN-Kubernetes as OpenShift has it).
 * Cilium and OVN-Kubernetes enforce nothing for containers of Windows nodes, those of the WMCO included.
 */
const KNOWN: readonly Known[] = [
  {
    engine: "Azure NPM",
    linux: ["kube-system/azure-npm"],
    windows: ["kube-system/azure-npm-win"],
    marks: [],
    group: null,
  },
  {
    engine: "Cilium",
    linux: ["kube-system/cilium", "cilium/cilium"],
    windows: [],
    marks: ["network.cilium.io/", "io.cilium.network.", "kubernetes.azure.com/ebpf-dataplane"],
    group: "cilium.io",
  },
  {
    engine: "Calico",
    linux: ["calico-system/calico-node", "kube-system/calico-node", "kube-system/canal"],
    windows: ["calico-system/calico-node-windows", "kube-system/calico-node-windows"],
    marks: ["projectcalico.org/"],
    group: "crd.projectcalico.org",
  },
  {
    engine: "OVN-Kubernetes",
    linux: ["openshift-ovn-kubernetes/ovnkube-node", "ovn-kubernetes/ovnkube-node"],
    windows: [],
    marks: ["k8s.ovn.org/"],
    group: "k8s.ovn.org",
  },
  { engine: "OpenShift SDN", linux: ["openshift-sdn/sdn"], windows: [], marks: [], group: null },
  {
    engine: "Antrea",
    linux: ["kube-system/antrea-agent"],
    windows: ["kube-system/antrea-agent-windows"],
    marks: ["node.antrea.io/"],
    group: "crd.antrea.io",
  },
  // K3s has kube-router built in, and shows no agent of it.
  { engine: "kube-router", linux: ["kube-system/kube-router"], windows: [], marks: ["k3s.io/"], group: null },
  { engine: "kindnet", linux: ["kube-system/kindnet"], windows: [], marks: [], group: null },
];

/**
 * Looks for the engine: first for agents of the engine that marked the pod's node, then for all others, and only where
 * none is seen at the API groups. Each look is the reading of one object by its name. An API group or a mark without
 * an agent of a known name proves nothing, and neither does a look that is not allowed: then it cannot be told.
 */
export async function networkEngine(reader: KubernetesReader, node: Node | null): Promise<NetworkEngine> {
  const isWindows = node?.operatingSystem === "windows";
  const marked = KNOWN.filter(({ marks }) => isMarked(node, marks));
  let isUnread = false;
  for (const { engine, linux, windows } of [...marked, ...KNOWN.filter((one) => !marked.includes(one))]) {
    for (const agent of isWindows ? windows : linux) {
      const [namespace = "", name = ""] = agent.split("/");
      const sighting = await reader.daemonSet(namespace, name);
      if (sighting === "there") return { found: "engine", engine, agent };
      isUnread ||= sighting === "unread";
    }
  }
  if (isUnread) {
    const why = "Our identity may not look for the agents of network policy engines (get daemonsets).";
    return { found: "unknown", engine: marked[0]?.engine ?? null, why };
  }
  if (isWindows) {
    return {
      found: "none",
      why: "runs on a Windows node, and no engine is known to enforce network policies there",
    };
  }
  return byOtherSigns(marked, await reader.apiGroups());
}

function byOtherSigns(marked: readonly Known[], groups: readonly string[] | null): NetworkEngine {
  const [first] = marked;
  if (first !== undefined) {
    const why = `Marks on the pod's node speak of ${first.engine}, but no agent of it has a known name.`;
    return { found: "unknown", engine: first.engine, why };
  }
  if (groups === null) {
    return { found: "unknown", engine: null, why: "Our identity may not ask which API groups are served." };
  }
  const served = KNOWN.find(({ group }) => group !== null && groups.includes(group));
  if (served !== undefined) {
    const why = `The API group ${served.group} speaks of ${served.engine}, but no agent of it has a known name.`;
    return { found: "unknown", engine: served.engine, why };
  }
  return { found: "none", why: "is on a cluster without a network policy engine that is known here" };
}

function isMarked(node: Node | null, marks: readonly string[]): boolean {
  const keys = (map: Labels | undefined) => Object.keys(map ?? {});
  return [...keys(node?.labels), ...keys(node?.annotations)].some((key) =>
    marks.some((mark) => key.startsWith(mark)),
  );
}

/** Where the agent that was seen has gone by now, nobody enforces what stands in the API; else null. */
export async function agentGone(
  agent: string | null,
  reader: KubernetesReader,
): Promise<Verification | null> {
  const [namespace, name] = agent?.split("/") ?? [];
  if (namespace === undefined || name === undefined) return null;
  if ((await reader.daemonSet(namespace, name)) !== "absent") return null;
  return {
    verdict: "partial",
    remains: [`DaemonSet ${agent}, which enforced network policies here, has gone: nobody may enforce ours.`],
  };
}

/** The node of a pod; null where it has none yet, or where that has gone. */
export async function nodeOfPod(pod: Pod, reader: KubernetesReader): Promise<Node | null> {
  return pod.node === null ? null : reader.node(pod.node);
}
