import { setTimeout as delay } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { EGRESS_LABEL, INCIDENT_LABEL } from "../../src/model/incident-mark.ts";
import type { AnyPlaybook } from "../../src/model/playbook.ts";
import { isolatePod } from "../../src/playbooks/isolate-pod.ts";
import { restrictEgress } from "../../src/playbooks/restrict-egress.ts";
import { pod, policy } from "./cluster-objects.ts";
import { ID, type NetworkBench, networkBench } from "./network-bench.ts";

const POD = "/api/v1/namespaces/shop/pods/web-1";
const POLICIES = "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies";
const TIME = "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z";
const by = (who: string): string => `\\(set by ${who} at ${TIME}, as the cluster recorded it\\)\\.`;
const letsOut = policy("open", {
  podSelector: { matchLabels: { tier: "front" } },
  policyTypes: ["Egress"],
  egress: [{}],
});

const open: NetworkBench[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map(({ cluster }) => cluster.close()));
});

async function applied(playbook: AnyPlaybook): Promise<NetworkBench> {
  const labels = { app: "web", tier: "front" };
  const objects = [pod("web-1", { metadata: { labels } }), letsOut];
  const bench = await networkBench(playbook, objects, playbook === restrictEgress ? { dns: false } : {});
  open.push(bench);
  await playbook.apply(bench.plan, bench.ports);
  expect(await playbook.verify(bench.plan, bench.ports)).toEqual({ verdict: "holds", proof: "declared" });
  return bench;
}

describe.each([
  { playbook: isolatePod, name: "isolate-pod", own: `reflex-isolate-${ID}`, mark: INCIDENT_LABEL },
  { playbook: restrictEgress, name: "restrict-egress", own: `reflex-egress-${ID}`, mark: EGRESS_LABEL },
])("$name, looked at again later", ({ playbook, own, mark }) => {
  const absent: readonly [string, (b: NetworkBench) => Promise<void>, RegExp][] = [
    [
      "our label was taken off",
      (b) => b.patch(POD, "kubectl-label", { metadata: { labels: { [mark]: null } } }),
      /^Pod shop\/web-1 does not carry our label: it was taken off, and the cluster does not record by whom\.$/,
    ],
    [
      "another label is in its place",
      (b) => b.patch(POD, "an-operator", { metadata: { labels: { [mark]: "b-2" } } }),
      new RegExp(`^Pod shop/web-1 carries the label of b-2 instead of ours ${by("an-operator")}$`),
    ],
    [
      "our policy was changed",
      (b) => b.patch(`${POLICIES}/${own}`, "argocd-controller", { spec: { egress: [{}] } }),
      new RegExp(
        `^Network policy shop/${own} is not there as it was made: it was changed ${by("argocd-controller")}$`,
      ),
    ],
    [
      "our policy was deleted",
      (b) => b.remove(`${POLICIES}/${own}`),
      new RegExp(`^Network policy shop/${own} is not there as it was made: it has gone, and the cluster`),
    ],
  ];
  it.each(absent)(
    "is absent, and says who did it where the cluster tells: %s",
    async (_what, change, reason) => {
      const b = await applied(playbook);
      await change(b);
      expect(await playbook.verify(b.plan, b.ports)).toEqual({
        verdict: "absent",
        reason: expect.stringMatching(reason),
      });
    },
  );

  it("is partial where the pod's controller puts a label back, and names it", async () => {
    const b = await applied(playbook);
    await b.patch(POD, "web-operator", { metadata: { labels: { tier: "front" } } });
    expect(await playbook.verify(b.plan, b.ports)).toEqual({
      verdict: "partial",
      remains: [
        "Network policy shop/open still allows egress to everywhere on all ports (rule 1).",
        expect.stringMatching(
          new RegExp(`^Pod shop/web-1 has the label tier=front again ${by("web-operator")}$`),
        ),
      ],
    });
  });

  it.each<[string, (b: NetworkBench) => Promise<void>, string, string]>([
    [
      "made",
      (b) => b.create("flux", policy("late", { podSelector: {}, policyTypes: ["Egress"], egress: [{}] })),
      "late",
      "flux",
    ],
    [
      "changed",
      (b) => b.patch(`${POLICIES}/open`, "helm", { spec: { podSelector: { matchLabels: { tier: null } } } }),
      "open",
      "helm",
    ],
  ])("is partial over a policy that was %s since, and names who did it", async (word, change, name, who) => {
    const b = await applied(playbook);
    // An API server notes whole seconds.
    await delay(1_100);
    await change(b);
    expect(await playbook.verify(b.plan, b.ports)).toEqual({
      verdict: "partial",
      remains: [
        `Network policy shop/${name} still allows egress to everywhere on all ports (rule 1).`,
        expect.stringMatching(
          new RegExp(`^Network policy shop/${name} was ${word} after the pod was marked ${by(who)}$`),
        ),
      ],
    });
  });

  it("is partial once nobody enforces policies any more", async () => {
    const b = await applied(playbook);
    await b.remove("/apis/apps/v1/namespaces/kube-system/daemonsets/azure-npm");
    expect(await playbook.verify(b.plan, b.ports)).toEqual({
      verdict: "partial",
      remains: [
        "DaemonSet kube-system/azure-npm, which enforced network policies here, has gone: nobody may enforce ours.",
      ],
    });
  });
});
