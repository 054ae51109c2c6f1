import { afterEach, describe, expect, it } from "vitest";
import { EGRESS_LABEL, INCIDENT_LABEL } from "../../src/model/incident-mark.ts";
import type { Verification } from "../../src/model/playbook.ts";
import { isolatePod } from "../../src/playbooks/isolate-pod.ts";
import { restrictEgress } from "../../src/playbooks/restrict-egress.ts";
import { agent, ciliumCluster, endpoint } from "./cilium-objects.ts";
import { node, pod, policy } from "./cluster-objects.ts";
import { ID, type NetworkBench, networkBench } from "./network-bench.ts";

const open: NetworkBench[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map(({ cluster }) => cluster.close()));
});

/** The verdict on the isolated pod while Cilium reports this of it. */
async function verdict(
  reported: readonly object[],
  playbook = isolatePod,
  parameters = {},
): Promise<Verification> {
  const b = await networkBench(playbook, [...ciliumCluster(), pod("web-1"), ...reported], parameters);
  open.push(b);
  await playbook.apply(b.plan, b.ports);
  return playbook.verify(b.plan, b.ports);
}

const enforcing = { enforcing: true };
const policyStatus = (ingress: object, egress: object, mark = INCIDENT_LABEL): object =>
  endpoint("web-1", ID, { policy: { ingress, egress } }, mark);

describe("the proof of an isolation", () => {
  it("is proved where nothing is left and Cilium says that it enforces it", async () => {
    expect(await verdict([endpoint("web-1", ID)])).toEqual({ verdict: "holds", proof: "proved" });
  });

  it.each<[string, readonly object[]]>([
    ["nothing", []],
    ["no identity", [endpoint("web-1", ID, { identity: null })]],
    ["nothing of its policies, as where it is not told to", [endpoint("web-1", ID, { policy: null })]],
    ["one direction only", [policyStatus(enforcing, {})]],
  ])("is declared where Cilium reports %s", async (_what, reported) => {
    expect(await verdict(reported)).toEqual({ verdict: "holds", proof: "declared" });
  });

  it("is declared by an engine that does not tell", async () => {
    const b = await networkBench(isolatePod, [
      agent("calico-system", "calico-node"),
      node("n1"),
      pod("web-1"),
    ]);
    open.push(b);
    await isolatePod.apply(b.plan, b.ports);
    expect(await isolatePod.verify(b.plan, b.ports)).toEqual({ verdict: "holds", proof: "declared" });
  });

  it.each<[string, object, RegExp]>([
    [
      "the identity has not our label, as where labels are filtered",
      endpoint("web-1", "another"),
      /has given pod shop\/web-1 no identity with our label/,
    ],
    [
      "the endpoint is made anew",
      endpoint("web-1", ID, { state: "regenerating" }),
      /still busy .*regenerating/,
    ],
    [
      "it enforces nothing on egress, as in its mode never",
      policyStatus(enforcing, { enforcing: false }),
      /enforces nothing on egress/,
    ],
  ])("is waited for while %s", async (_what, reported, reason) => {
    expect(await verdict([reported])).toEqual({
      verdict: "not-yet",
      reason: expect.stringMatching(reason),
      retryAfterMs: 5_000,
    });
  });

  it("is partial where Cilium says whom it still lets through, the pod's own node aside", async () => {
    const allowed = [{ identity: 1 }, { identity: 4711 }, { identity: 4711 }];
    expect(await verdict([policyStatus({ ...enforcing, allowed }, { ...enforcing, allowed: [{}] })])).toEqual(
      {
        verdict: "partial",
        remains: [
          "Cilium reports that it still allows ingress from identities 4711.",
          "Cilium reports that it still allows egress to identities 0.",
        ],
      },
    );
  });

  it("is partial, whatever Cilium says, while a rule is left", async () => {
    const left = policy("all", { podSelector: {}, ingress: [{}] });
    expect(await verdict([endpoint("web-1", ID), left])).toMatchObject({ verdict: "partial" });
  });
});

describe("the proof of a restriction", () => {
  it("asks Cilium for egress alone", async () => {
    const reported = policyStatus({ enforcing: false }, enforcing, EGRESS_LABEL);
    expect(await verdict([reported], restrictEgress, { dns: false })).toEqual({
      verdict: "holds",
      proof: "proved",
    });
  });

  it("is declared where Cilium lets identities through that may be those that are kept", async () => {
    const reported = policyStatus(enforcing, { ...enforcing, allowed: [{ identity: 4711 }] }, EGRESS_LABEL);
    const kept = { keep: [{ pods: { app: "db" } }] };
    expect(await verdict([reported], restrictEgress, kept)).toEqual({ verdict: "holds", proof: "declared" });
    expect(await verdict([reported], restrictEgress, { dns: false })).toMatchObject({ verdict: "partial" });
  });
});
