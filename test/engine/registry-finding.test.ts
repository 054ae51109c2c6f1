import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { resolve } from "../../src/engine/resolve.ts";
import { sealPlan } from "../../src/model/plan.ts";
import { blockImage } from "../../src/playbooks/block-image.ts";
import { decide, parseConfiguration } from "../../src/rules/index.ts";
import { decodeEvent } from "../../src/signals/index.ts";
import { blockListObjects, portsOf } from "../playbooks/cluster-objects.ts";
import { startCluster } from "../playbooks/start-cluster.ts";

const IDS = ["prod", "edge"].map(
  (name) =>
    `/subscriptions/6f0e7c1a-0000-4000-8000-000000000001/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/${name}`,
);
const parsed = parseConfiguration(
  `
mode: enforce
clusters:
  - { name: prod, id: ${IDS[0]}, connect: { kubeconfig: prod.yaml } }
  - { name: edge, id: ${IDS[1]}, connect: { kubeconfig: edge.yaml } }
rules:
  - name: grave
    when: { kind: finding, image: "**", finding: { cvss: { atLeast: 9 } } }
    playbooks: [{ name: block-image, ttl: 7d, with: { clusters: [prod, edge] } }]
    mode: enforce
`,
  "test.yaml",
  [blockImage],
);

describe("a finding about an image in a registry", () => {
  it("is blocked by its digest on every cluster that the rule names, and proved there", async () => {
    if (!("configuration" in parsed)) throw new Error(JSON.stringify(parsed));
    const { configuration } = parsed;
    const event = new URL("../fixtures/signals/image-finding.pascal.json", import.meta.url);
    const [decoded] = decodeEvent(readFileSync(event));
    if (decoded === undefined || !("signal" in decoded)) throw new Error("not decoded");
    const { signal } = decoded;
    expect(signal.cluster).toBeNull();
    const [decision, ...others] = decide(signal, configuration);
    expect(others).toEqual([]);
    expect(decision?.clusters).toEqual(IDS);
    for (const id of decision?.clusters ?? []) {
      const { cluster } = await startCluster(blockListObjects(), { controllers: false });
      const ports = portsOf(cluster);
      const found = await resolve(signal, "image", id, ports.read.kubernetes, configuration.clusters);
      if (found.outcome !== "target") throw new Error(found.reason);
      expect(found.target).toEqual({ kind: "image", cluster: id, reference: null, digest: signal.digest });
      const input = { target: found.target, parameters: {}, remediationId: "a-1" };
      const outcome = await blockImage.plan(input, ports);
      if (outcome.outcome !== "change") throw new Error(outcome.reason);
      const plan = sealPlan(outcome.draft, { ...input, playbook: blockImage.name });
      await blockImage.apply(plan, ports);
      expect(await blockImage.verify(plan, ports)).toEqual({ verdict: "holds", proof: "proved" });
    }
  });
});
