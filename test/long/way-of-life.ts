import { OPEN_STATES, type OpenState, type State } from "../../src/model/remediation.ts";
import { playbooks } from "../../src/playbooks/index.ts";
import { waysOfActs } from "./way-of-acts.ts";
import { ADMISSION_WAYS } from "./way-of-admission.ts";
import { drainWay } from "./way-of-drain.ts";
import { evidenceWay } from "./way-of-evidence.ts";
import { NETWORK_WAYS } from "./way-of-network.ts";
import { workloadWays } from "./way-of-workloads.ts";

/** The way of one target through the life of one playbook, as the crash matrix leads it. */
export interface WayOfLife {
  readonly playbook: string;
  /** AlertType of the alerts that begin it. */
  readonly key: string;
  /** The pod that the alerts name. */
  pod(name: string): string;
  /** The image that they name, if any. */
  image?(name: string): string;
  /** What else their ExtendedProperties say. */
  extended?(name: string): Readonly<Record<string, string>>;
  /** What stands in the cluster before. */
  objects(name: string): readonly object[];
  /** What is changed from outside once the remediation is in this state, so that it can go on. */
  readonly nudge: { readonly state: State; objects(name: string): readonly object[] } | null;
  /** Why only one life at a time can be led; absent: any number can. */
  readonly alone?: string;
  /** How the path of what it reads of its target ends, where that is not the pod. */
  reads?(name: string): string;
  /** Without what it reads (the pod that the alert names, unless told otherwise) there is nothing to do. */
  readonly needsPod: boolean;
  /** Every kind of write that it makes to the cluster, as the fault matrix has it fail: verb, and how the path begins to differ. */
  readonly writes: readonly {
    readonly method: string;
    readonly path: string;
    /** It ends what it names, whatever its verb: nothing of its making is there afterwards. */
    readonly ends?: true;
    /** It follows on one that ended something for good, and that stays done where this one fails for ever. */
    readonly follows?: true;
    /** Where this one fails, what was written before stands for itself, and is called partial in these words. */
    readonly half?: RegExp;
  }[];
  /** States of the engine that this playbook never enters, each with the reason. */
  readonly never: Readonly<Partial<Record<OpenState, string>>>;
}

const old = "2026-01-01T00:00:00Z";

/** Is its way led back again? Else it ends `done` once it is approved, and has no deadline. */
export function isLedBack({ playbook }: WayOfLife): boolean {
  return playbooks.find(({ name }) => name === playbook)?.reversible === true;
}

function pod(name: string, image: string, more: object = {}, node = "n1"): object {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "shop", labels: { app: name }, creationTimestamp: old, ...more },
    spec: { nodeName: node, containers: [{ name: "c", image }] },
    status: { phase: "Running" },
  };
}

function node(name: string): object {
  return { apiVersion: "v1", kind: "Node", metadata: { name, creationTimestamp: old } };
}

/** One way for every playbook of the product; a playbook without one fails the matrix. */
export const WAYS: readonly WayOfLife[] = [
  ...NETWORK_WAYS,
  {
    playbook: "isolate-pod",
    key: "K8S.NODE_CryptoCoinMinerExecution",
    pod: (name) => name,
    objects: (name) => [pod(name, "registry.example/web:1")],
    nudge: null,
    needsPod: true,
    writes: [
      { method: "POST", path: "/networkpolicies" },
      { method: "PATCH", path: "/pods/" },
    ],
    never: { verifying: "its policy and label are read back at once" },
  },
  {
    // By eviction, its default; a deletion differs by one request, which the contract leads.
    playbook: "terminate-pod",
    key: "K8S.NODE_ReverseShell",
    pod: (name) => name,
    objects: (name) => [pod(name, "web:1", { finalizers: ["matrix.example/keep"] })],
    // Without a kubelet nobody takes the time to end a pod: a finalizer keeps it, until it is waited for.
    nudge: { state: "verifying", objects: (name) => [pod(name, "web:1")] },
    needsPod: true,
    writes: [{ method: "POST", path: "/eviction", ends: true }],
    never: {
      "in-force": "what has ended is done, and nothing is held in force",
      reverting: "nobody brings an ended pod back",
    },
  },
  ...workloadWays,
  {
    playbook: "block-image",
    key: "K8S.NODE_ImageBinaryNotInImage",
    pod: (name) => name,
    image: (name) => `registry.example/${name}:1`,
    objects: (name) => [pod(name, `registry.example/${name}:1`)],
    nudge: null,
    needsPod: false,
    writes: [{ method: "PATCH", path: "/admissionlists/" }],
    never: { verifying: "its entry is read back, and tried, at once" },
  },
  ...ADMISSION_WAYS,
  {
    playbook: "cordon-node",
    key: "K8S.NODE_KubeConfigAccess",
    pod: (name) => name,
    objects: (name) => [node(name), pod(name, "web:1", {}, name)],
    nudge: null,
    needsPod: true,
    writes: [{ method: "PATCH", path: "/nodes/" }],
    never: { verifying: "its cordon and label are read back at once" },
  },
  drainWay,
  evidenceWay,
  ...waysOfActs,
  {
    playbook: "notify",
    key: "K8S_EphemeralContainer",
    pod: (name) => name,
    objects: () => [],
    nudge: null,
    needsPod: false,
    writes: [],
    never: Object.fromEntries(
      OPEN_STATES.map((state) => [state, "its only effect is the message row of its claim"]),
    ),
  },
];
