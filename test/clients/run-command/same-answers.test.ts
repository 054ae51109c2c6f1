import { existsSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import type { Fault } from "../../../local/kubernetes/index.ts";
import type { KubernetesReader, KubernetesWriter } from "../../../src/model/kubernetes-port.ts";
import { node } from "../../playbooks/cluster-objects.ts";
import { aksId } from "../aks/aks-bench.ts";
import { outcomeOf, type RunCommandBench, runCommandBench } from "./run-command-bench.ts";

const KUBECTL = "/usr/bin/kubectl";
const POLICY = {
  namespace: "shop",
  name: "reflex-1",
  podLabel: ["reflex", "1"],
  labels: { a: "b" },
  annotations: { note: '\'; touch hacked; echo "$(id)" `id` \\ \n%s -n' },
} as const;
const MARK = { unschedulable: true, labels: { mark: "1" } };

interface Cluster {
  readonly read: KubernetesReader;
  readonly write: KubernetesWriter;
}

/** One act after another on a cluster with pod shop/web-1 and node n1; what each came to. */
const ACTS: readonly (readonly [name: string, act: (cluster: Cluster) => Promise<unknown>])[] = [
  ["a pod is read", ({ read }) => read.pod("shop", "web-1")],
  ["a pod that is not there", ({ read }) => read.pod("shop", "web-2")],
  ["a namespace and its pods", async ({ read }) => [await read.namespace("shop"), await read.pods("shop")]],
  ["a kind that is not served", ({ read }) => read.podRules()],
  ["a policy is made", ({ write }) => write.createDenyAllPolicy(POLICY)],
  ["a policy of that name again", ({ write }) => write.createDenyAllPolicy(POLICY)],
  ["the policies are listed", ({ read }) => read.networkPolicies("shop")],
  [
    "a pod is labelled",
    async ({ read, write }) => write.labelPod("shop", "web-1", await stateOf(read), { x: "y", app: null }),
  ],
  [
    "a pod of another version",
    async ({ read, write }) =>
      write.labelPod("shop", "web-1", { ...(await stateOf(read)), resourceVersion: "1" }, { x: "z" }),
  ],
  [
    "a pod of another uid",
    async ({ read, write }) =>
      write.labelPod("shop", "web-1", { ...(await stateOf(read)), uid: "another" }, { x: "z" }),
  ],
  [
    "a node is cordoned",
    async ({ read, write }) => {
      const found = await read.node("n1");
      if (found === null) throw new Error("no node");
      return write.cordonNode("n1", { uid: found.uid, resourceVersion: found.resourceVersion }, MARK);
    },
  ],
  [
    "a policy of another uid is deleted",
    ({ write }) => write.deleteNetworkPolicy("shop", "reflex-1", { uid: "another" }),
  ],
  [
    "the policy is deleted",
    async ({ read, write }) => {
      const [policy] = await read.networkPolicies("shop");
      return write.deleteNetworkPolicy("shop", "reflex-1", { uid: policy?.uid ?? "" });
    },
  ],
  [
    "a pod is evicted",
    async ({ read, write }) => write.evictPod("shop", "web-1", { uid: (await stateOf(read)).uid }),
  ],
];

async function stateOf(read: KubernetesReader): Promise<{ uid: string; resourceVersion: string }> {
  const found = await read.pod("shop", "web-1");
  if (found === null) throw new Error("no pod");
  return { uid: found.uid, resourceVersion: found.resourceVersion };
}

const FAILURES: readonly (readonly [
  name: string,
  status: number,
  reason: string,
  message: string,
  details?: object,
])[] = [
  ["unauthorized", 401, "Unauthorized", "Unauthorized"],
  ["forbidden", 403, "Forbidden", 'pods "web-1" is forbidden: User "x" cannot patch resource "pods"'],
  [
    "in a namespace that ends",
    403,
    "Forbidden",
    'pods "web-1" is forbidden: unable to create new content in namespace shop because it is being terminated',
    { causes: [{ reason: "NamespaceTerminating" }] },
  ],
  [
    "held by a budget",
    429,
    "TooManyRequests",
    "Cannot evict pod as it would violate the pod's disruption budget.",
    { causes: [{ reason: "DisruptionBudget" }] },
  ],
  ["throttled", 429, "TooManyRequests", "Too many requests, please try again later."],
  ["gone", 410, "Expired", "too old resource version"],
  [
    "with a uid that may not change",
    422,
    "Invalid",
    'Pod "web-1" is invalid: metadata.uid: Invalid value: "x": field is immutable',
    {
      kind: "Pod",
      name: "web-1",
      causes: [{ field: "metadata.uid", message: 'Invalid value: "x": field is immutable' }],
    },
  ],
  [
    "with two wrong fields",
    422,
    "Invalid",
    "two",
    {
      kind: "Pod",
      name: "web-1",
      causes: [
        { field: "spec.a", message: "Required value" },
        { field: "spec.b", message: "Required value" },
      ],
    },
  ],
  [
    "refused by a policy of ours",
    422,
    "Invalid",
    "denied",
    {
      kind: "pods",
      name: "web-1",
      causes: [
        {
          message:
            "ValidatingAdmissionPolicy 'reflex-pin' with binding 'reflex-pin' denied request: reflex-pin: it may not",
        },
      ],
    },
  ],
  ["broken inside", 500, "InternalError", "etcdserver: no leader"],
  ["out of time", 504, "Timeout", "timed out"],
];

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function both(): Promise<{ direct: RunCommandBench; command: RunCommandBench }> {
  const [direct, command] = await Promise.all([
    runCommandBench({ connect: [{ kind: "aks-entra" }] }),
    runCommandBench(),
  ]);
  closers.push(direct.close, command.close);
  for (const { kubernetes } of [direct, command]) kubernetes.seed([node("n1")]);
  return { direct, command };
}

function clusterOf({ ports }: RunCommandBench): Cluster {
  return { read: ports.read.kubernetes(aksId()), write: ports.write.kubernetes(aksId()) };
}

describe("run command", () => {
  const ways = [
    ["the stand-in of kubectl", null] as const,
    ...(existsSync(KUBECTL) ? [["kubectl", KUBECTL] as const] : []),
  ];
  if (ways.length === 1) console.log("Not tried with the real kubectl: it is not there.");

  it.each(ways)(
    "gives by %s what the API server gives without it, act by act",
    async (_name, kubectl) => {
      const { direct, command } = await both();
      command.arm.commands.pod.kubectl = kubectl;
      for (const [what, act] of ACTS) {
        const expected = await outcomeOf(act(clusterOf(direct)));
        expect([what, await outcomeOf(act(clusterOf(command)))]).toEqual([what, expected]);
      }
      expect(command.arm.breaches).toEqual([]);
    },
    60_000,
  );

  it.each(ways)(
    "gives by %s each failure of a change as the API server words it",
    async (_name, kubectl) => {
      const { direct, command } = await both();
      command.arm.commands.pod.kubectl = kubectl;
      for (const [what, status, reason, message, details = {}] of FAILURES) {
        const body = {
          kind: "Status",
          apiVersion: "v1",
          status: "Failure",
          reason,
          message,
          code: status,
          details,
        };
        const answer: Fault["answer"] = { kind: "status", status, body: JSON.parse(JSON.stringify(body)) };
        const change = async (b: RunCommandBench): Promise<unknown> => {
          b.kubernetes.faults.add({ match: { method: "POST" }, times: status === 401 ? 2 : 1, answer });
          const outcome = await outcomeOf(clusterOf(b).write.createDenyAllPolicy(POLICY));
          b.kubernetes.faults.clear();
          return outcome;
        };
        expect([what, await change(command)]).toEqual([what, await change(direct)]);
      }
    },
    60_000,
  );
});
