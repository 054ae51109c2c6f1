import { describe, expect, it } from "vitest";
import type { KubernetesStandIn } from "../../local/kubernetes/index.ts";
import { changedBy, type FieldManager } from "../../src/model/field-managers.ts";
import { INCIDENT_LABEL } from "../../src/model/incident-mark.ts";
import type { KubernetesReader } from "../../src/model/kubernetes-port.ts";
import { type Plan, sealPlan } from "../../src/model/plan.ts";
import type { AnyPlaybook } from "../../src/model/playbook.ts";
import type { Target } from "../../src/model/target.ts";
import { playbooks } from "../../src/playbooks/index.ts";
import {
  blockListObjects,
  CLUSTER,
  earlierBlockListObjects,
  node,
  pod,
  portsOf,
  sessionListObjects,
  workload,
} from "./cluster-objects.ts";
import { hook, service, webhooks } from "./rights-objects.ts";
import { startCluster } from "./start-cluster.ts";

const ID = "a-1";

/** A merge patch by somebody else, under the name that he gives himself. */
async function patch(cluster: KubernetesStandIn, path: string, who: string, body: object): Promise<void> {
  const response = await fetch(`${cluster.url}${path}?fieldManager=${encodeURIComponent(who)}`, {
    method: "PATCH",
    headers: { authorization: "Bearer stand-in-token", "content-type": "application/merge-patch+json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(await response.text());
}

/** A playbook applied to its target. */
async function applied(name: string, target: Target, objects: readonly object[]) {
  const { cluster } = await startCluster(objects, { controllers: false });
  const playbook = playbooks.find((one) => one.name === name);
  if (playbook === undefined) throw new Error(`there is no playbook ${name}`);
  const ports = portsOf(cluster);
  const outcome = await playbook.plan({ target, parameters: {}, remediationId: ID }, ports);
  if (outcome.outcome !== "change") throw new Error(outcome.reason);
  const plan = sealPlan(outcome.draft, { remediationId: ID, playbook: name, target });
  await playbook.apply(plan, ports);
  return { cluster, playbook, plan, ports };
}

/** What the refused revert says remains. */
async function remains(
  playbook: AnyPlaybook,
  plan: Plan,
  ports: ReturnType<typeof portsOf>,
): Promise<string> {
  return playbook.revert(plan, ports).then(
    () => "nothing was refused",
    (error: unknown) => String(error instanceof Error ? Reflect.get(error, "remains") : error),
  );
}

const TIME = "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z";
const told = (who: string) => new RegExp(`\\(set by ${who} at ${TIME}, as the cluster recorded it\\)\\.$`);

const CASES = [
  {
    name: "isolate-pod",
    what: "the label of another incident",
    target: { kind: "pod", cluster: CLUSTER, namespace: "shop", name: "web-1" },
    objects: [pod("web-1")],
    path: "/api/v1/namespaces/shop/pods/web-1",
    change: { metadata: { labels: { [INCIDENT_LABEL]: "b-2" } } },
  },
  {
    name: "isolate-pod",
    what: "our network policy, opened",
    target: { kind: "pod", cluster: CLUSTER, namespace: "shop", name: "web-1" },
    objects: [pod("web-1")],
    path: `/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies/reflex-isolate-${ID}`,
    change: { spec: { egress: [{}] } },
  },
  {
    name: "scale-to-zero",
    what: "another number of pods",
    target: {
      kind: "workload",
      cluster: CLUSTER,
      namespace: "shop",
      workloadKind: "Deployment",
      name: "web",
    },
    objects: [workload("Deployment", "web", 3)],
    path: "/apis/apps/v1/namespaces/shop/deployments/web",
    change: { spec: { replicas: 7 } },
  },
  {
    name: "scale-to-zero",
    what: "another number of pods, through the scale subresource",
    target: {
      kind: "workload",
      cluster: CLUSTER,
      namespace: "shop",
      workloadKind: "Deployment",
      name: "web",
    },
    objects: [workload("Deployment", "web", 3)],
    path: "/apis/apps/v1/namespaces/shop/deployments/web/scale",
    change: { spec: { replicas: 7 } },
  },
  {
    name: "block-image",
    what: "an entry of the block list",
    target: { kind: "image", cluster: CLUSTER, reference: "evil/miner:1", digest: null },
    objects: blockListObjects(),
    path: "/apis/defender-reflex.dev/v1/namespaces/defender-reflex/admissionlists/reflex-blocked-images",
    change: { spec: { entries: { "docker.io_S_evil_S_miner_T_1": "an operator wrote this" } } },
  },
  {
    name: "block-image",
    what: "an entry of the list in its earlier form",
    target: { kind: "image", cluster: CLUSTER, reference: "evil/miner:1", digest: null },
    objects: earlierBlockListObjects(),
    path: "/api/v1/namespaces/defender-reflex/configmaps/reflex-blocked-images",
    change: { data: { "docker.io_S_evil_S_miner_T_1": "an operator wrote this" } },
  },
  {
    name: "cordon-node",
    what: "the label of another incident",
    target: { kind: "node", cluster: CLUSTER, name: "n1" },
    objects: [node("n1")],
    path: "/api/v1/nodes/n1",
    change: { metadata: { labels: { [INCIDENT_LABEL]: "b-2" } } },
  },
  {
    name: "disable-webhook",
    what: "what a hook selects",
    target: {
      kind: "webhook",
      cluster: CLUSTER,
      webhookKind: "ValidatingWebhookConfiguration",
      name: "evil",
    },
    objects: [webhooks("ValidatingWebhookConfiguration", "evil")],
    path: "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/evil",
    change: { webhooks: [hook("a.evil.example.org", {}), hook("b.evil.example.org", {})] },
  },
  {
    name: "restrict-service-sources",
    what: "the ranges of a service",
    target: { kind: "service", cluster: CLUSTER, namespace: "shop", name: "web" },
    objects: [service("web")],
    path: "/api/v1/namespaces/shop/services/web",
    change: { spec: { loadBalancerSourceRanges: ["198.51.100.0/24"] } },
  },
  {
    name: "deny-exec",
    what: "an entry of the list of sessions",
    target: { kind: "pod", cluster: CLUSTER, namespace: "shop", name: "web-1" },
    objects: [...sessionListObjects(), pod("web-1")],
    path: "/apis/defender-reflex.dev/v1/namespaces/defender-reflex/admissionlists/reflex-denied-sessions",
    change: { spec: { entries: { "shop.web-1": "an operator wrote this" } } },
  },
] as const;

describe("a revert that somebody else's change forbids", () => {
  it.each(CASES)(
    "says who made it and when: $name, $what",
    async ({ name, target, objects, path, change }) => {
      const { cluster, playbook, plan, ports } = await applied(name, target, objects);
      await patch(cluster, path, "kubectl-edit", change);
      cluster.clear();

      expect(await remains(playbook, plan, ports)).toMatch(told("kubectl-edit"));
      expect(cluster.effects).toEqual([]);
    },
  );

  it("names the last of several, and not who changed something else", async () => {
    const [, , scaled] = CASES;
    const { cluster, playbook, plan, ports } = await applied(scaled.name, scaled.target, scaled.objects);
    await patch(cluster, scaled.path, "helm", { spec: { replicas: 5 } });
    await patch(cluster, scaled.path, "argocd-controller", { spec: { replicas: 7 } });
    await patch(cluster, scaled.path, "kubectl-label", { metadata: { labels: { tier: "front" } } });

    expect(await remains(playbook, plan, ports)).toMatch(told("argocd-controller"));
  });

  it("is told without a name where the cluster records none", async () => {
    const [, , scaled] = CASES;
    const { cluster, playbook, plan, ports } = await applied(scaled.name, scaled.target, scaled.objects);
    await patch(cluster, scaled.path, "helm", { spec: { replicas: 7 } });
    const reader = ports.read.kubernetes(CLUSTER);
    const silent: KubernetesReader = {
      ...reader,
      workloadState: async (...of) => {
        const found = await reader.workloadState(...of);
        return found && { ...found, managers: [] };
      },
    };

    expect(await remains(playbook, plan, { ...ports, read: { kubernetes: () => silent } })).toBe(
      "Deployment shop/web wants 7 pods.",
    );
  });
});

describe("our own writes", () => {
  it.each(CASES)("bear our name: $name, $what", async ({ name, target, objects }) => {
    const { cluster } = await applied(name, target, objects);
    const kinds = [
      "pods",
      "networkpolicies",
      "deployments",
      "configmaps",
      "admissionlists",
      "nodes",
      "services",
    ];
    const all = [...kinds, "validatingwebhookconfigurations"].flatMap((plural) => cluster.readAll(plural));
    const managers = all.flatMap(({ metadata }) => JSON.stringify(metadata["managedFields"] ?? []));

    expect(managers.join()).toContain('"manager":"defender-reflex"');
  });
});

describe("who changed a field", () => {
  const manager = (name: string, at: string | null, ...fields: string[][]): FieldManager => ({
    name,
    operation: "Update",
    at,
    fields,
  });
  const spec = ["spec", "replicas"];

  it("is the last that has it or something in it, and never we", () => {
    const managers = [
      manager("helm", "2026-03-01T10:00:00.000Z", spec),
      manager("kubectl-edit", "2026-03-01T12:00:00.000Z", spec),
      manager("defender-reflex", "2026-03-01T13:00:00.000Z", spec),
      manager("kubelet", "2026-03-01T14:00:00.000Z", ["status", "phase"]),
      manager("old", null, spec),
    ];

    expect(changedBy({ managers }, spec)?.name).toBe("kubectl-edit");
    expect(changedBy({ managers }, ["spec"])?.name).toBe("kubectl-edit");
    expect(changedBy({ managers }, ["metadata", "labels"])).toBeNull();
  });

  it("is not confused by names with dots, and knows maps that have one owner", () => {
    const managers = [
      manager("a", "2026-03-01T10:00:00.000Z", ["metadata", "labels", "app.kubernetes.io/name"]),
      manager("b", "2026-03-01T11:00:00.000Z", ["spec", "podSelector"]),
    ];

    expect(changedBy({ managers }, ["metadata", "labels", "app"])).toBeNull();
    expect(changedBy({ managers }, ["spec", "podSelector", "matchLabels", "x"])?.name).toBe("b");
  });
});
