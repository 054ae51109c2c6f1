import { describe, expect, it } from "vitest";
import type { PolicyRule } from "../../local/kubernetes/index.ts";
import { Refused } from "../../src/model/errors.ts";
import { INCIDENT_LABEL } from "../../src/model/incident-mark.ts";
import { isolatePod } from "../../src/playbooks/isolate-pod.ts";
import { restrictEgress } from "../../src/playbooks/restrict-egress.ts";
import { parseConfiguration } from "../../src/rules/index.ts";
import { ROOMY } from "../engine/fixtures.ts";
import { alert, bench } from "../engine/harness.ts";
import { CLUSTER as ENGINE_CLUSTER } from "../engine/world.ts";
import { agent, installed } from "./cilium-objects.ts";
import { CLUSTER, node, pod, type portsOf } from "./cluster-objects.ts";
import { startCluster } from "./start-cluster.ts";

async function start(objects: readonly object[], more: { engine?: boolean; rules?: PolicyRule[] } = {}) {
  return startCluster(objects, { networkEngine: more.engine ?? false, rules: more.rules });
}

const target = { kind: "pod", cluster: CLUSTER, namespace: "shop", name: "web-1" } as const;
const windows = (labels: object = {}): object => ({
  ...node("n1", { metadata: { labels } }),
  status: { nodeInfo: { operatingSystem: "windows" }, conditions: [{ type: "Ready", status: "True" }] },
});
const npm = agent("kube-system", "azure-npm");

/** What a cluster holds, and the reason for which nothing is written there. */
const REFUSALS: readonly [string, readonly object[], RegExp][] = [
  [
    "no engine of network policies",
    [pod("web-1"), node("n1")],
    /is on a cluster without a network policy engine .* do nothing: scale its workload to zero, or end the pod\.$/,
  ],
  [
    "the network of its node",
    [npm, pod("web-1", { spec: { hostNetwork: true } })],
    /uses the network of its node.*end the pod, or cordon its node\.$/,
  ],
  [
    "a static pod",
    [npm, pod("web-1", { metadata: { annotations: { "kubernetes.io/config.mirror": "abc" } } })],
    /is a static pod of its node.*contain the node\.$/,
  ],
  [
    "a pod of another remediation",
    [npm, pod("web-1", { metadata: { labels: { [INCIDENT_LABEL]: "b-2" } } })],
    /carries the label of remediation b-2, which has to be taken back first\.$|is isolated by remediation b-2, which denies more\.$/,
  ],
  [
    "a Windows node beside Azure's engine for Linux",
    [npm, windows(), pod("web-1")],
    /runs on a Windows node, and no engine is known to enforce network policies there/,
  ],
  [
    "a Windows node beside Calico for Linux",
    [agent("calico-system", "calico-node"), windows(), pod("web-1")],
    /runs on a Windows node/,
  ],
  [
    "a Windows node of OpenShift, under the WMCO",
    [
      agent("openshift-ovn-kubernetes", "ovnkube-node"),
      windows({ "node.openshift.io/os_id": "Windows" }),
      installed("k8s.ovn.org", "v1", "egressips", "EgressIP", "Cluster"),
      pod("web-1"),
    ],
    /runs on a Windows node/,
  ],
  [
    "a Windows node beside Cilium",
    [agent("kube-system", "cilium"), windows(), pod("web-1")],
    /runs on a Windows/,
  ],
];

describe.each([isolatePod, restrictEgress])("$name", (playbook) => {
  const propose = (ports: ReturnType<typeof portsOf>, of: typeof target | { namespace: string } = target) =>
    playbook.plan({ target: { ...target, ...of }, parameters: {}, remediationId: "a-1" }, ports);

  it.each(REFUSALS)("refuses by reason and writes nothing: %s", async (_what, objects, reason) => {
    const { cluster, ports } = await start(objects);
    expect(await propose(ports)).toMatchObject({ outcome: "skip", reason: expect.stringMatching(reason) });
    expect(cluster.requests.filter(({ method }) => method !== "GET")).toEqual([]);
    expect(cluster.requests.length).toBeGreaterThan(0);
  });

  it.each(["", " ", ".", "..", "shop/../kube-system", "Shop"])(
    "sends no request at all for a pod in the namespace %j",
    async (namespace) => {
      const { cluster, ports } = await start([npm, pod("web-1")]);
      await expect(propose(ports, { namespace })).rejects.toThrow(Refused);
      expect(cluster.requests).toEqual([]);
    },
  );

  it.each([
    ["Azure's engine for Windows", "kube-system", "azure-npm-win"],
    ["Calico for Windows", "calico-system", "calico-node-windows"],
  ])("plans on a Windows node that %s covers", async (_what, namespace, name) => {
    const { ports } = await start([agent(namespace, name), windows(), pod("web-1")]);
    const plan = await propose(ports);
    expect(plan).toMatchObject({ outcome: "change", draft: { data: { agent: `${namespace}/${name}` } } });
  });

  it.each([
    ["Azure NPM", "kube-system", "azure-npm"],
    ["Cilium", "kube-system", "cilium"],
    ["Calico", "calico-system", "calico-node"],
    ["Calico", "kube-system", "calico-node"],
    ["OVN-Kubernetes", "openshift-ovn-kubernetes", "ovnkube-node"],
    ["Antrea", "kube-system", "antrea-agent"],
  ])("knows %s by the DaemonSet %s/%s, and says so", async (engine, namespace, name) => {
    const { ports } = await start([agent(namespace, name), node("n1"), pod("web-1")]);
    expect(await propose(ports)).toMatchObject({
      outcome: "change",
      draft: {
        data: { engine, agent: `${namespace}/${name}` },
        limits: expect.arrayContaining([
          expect.stringContaining(
            `${engine} enforces network policies here (DaemonSet ${namespace}/${name})`,
          ),
        ]),
      },
    });
  });

  it("looks first for the engine that marked the pod's node, with one read", async () => {
    const { cluster, ports } = await start([
      agent("kube-system", "cilium"),
      npm,
      node("n1", { metadata: { labels: { "kubernetes.azure.com/ebpf-dataplane": "cilium" } } }),
      pod("web-1"),
    ]);
    expect(await propose(ports)).toMatchObject({ draft: { data: { engine: "Cilium" } } });
    expect(
      cluster.requests.filter(({ path }) => path.includes("/daemonsets/")).map(({ path }) => path),
    ).toEqual(["/apis/apps/v1/namespaces/kube-system/daemonsets/cilium"]);
  });

  it.each<[string, readonly object[], string]>([
    [
      "an API group without an agent of a known name",
      [installed("cilium.io", "v2", "ciliumendpoints", "CiliumEndpoint"), node("n1")],
      "The API group cilium.io speaks of Cilium",
    ],
    [
      "a mark on its node without an agent of a known name",
      [node("n1", { metadata: { annotations: { "projectcalico.org/IPv4Address": "10.0.0.4/24" } } })],
      "Marks on the pod's node speak of Calico",
    ],
  ])("plans where it cannot be told who enforces, and says so: %s", async (_what, objects, words) => {
    const { ports } = await start([...objects, pod("web-1")]);
    expect(await propose(ports)).toMatchObject({
      outcome: "change",
      draft: {
        data: { agent: null },
        limits: expect.arrayContaining([
          expect.stringMatching(`^${words}.*is not known: the proof is what the API holds\\.$`),
        ]),
      },
    });
  });

  it("plans where it may not look for an engine, and says so", async () => {
    const rules = playbook.permissions.kubernetes
      .filter(({ resource }) => resource !== "daemonsets")
      .map(({ apiGroup, resource, verbs }) => ({ apiGroups: [apiGroup], resources: [resource], verbs }));
    const { ports } = await start([pod("web-1"), node("n1")], { rules });
    expect(await propose(ports)).toMatchObject({
      outcome: "change",
      draft: { limits: expect.arrayContaining([expect.stringContaining("Our identity may not look for")]) },
    });
  });

  it.each(["kube-system", "calico-system"])(
    "is refused by the guard in %s, which writes nothing",
    async (namespace) => {
      const { cluster, ports } = await start([
        npm,
        { ...pod("web-1", { metadata: { namespace, labels: { app: "web" } } }) },
      ]);
      const text = `
mode: enforce
clusters: [ { name: prod, id: ${ENGINE_CLUSTER}, connect: { kubeconfig: none } } ]
rules:
  - name: all
    when: { kind: alert, key: "K8S.NODE_*" }
    playbooks: [ { name: ${playbook.name}, ttl: 8h } ]
    mode: enforce
`;
      const parsed = parseConfiguration(text, "test.yaml", [playbook]);
      if ("errors" in parsed) throw new Error(parsed.errors[0]?.message);
      const b = bench({
        configuration: { ...parsed.configuration, budgets: ROOMY },
        engine: { playbooks: new Map([[playbook.name, playbook]]), ports },
      });
      await b.ingest(alert({ namespace }));
      expect(b.records()).toMatchObject([
        { state: "refused", reason: expect.stringContaining(`namespace ${namespace} is protected`) },
      ]);
      expect(cluster.requests.filter(({ method }) => method !== "GET")).toEqual([]);
    },
  );
});
