import { createHash } from "node:crypto";
import { z } from "zod";
import type { KubernetesStandIn, PolicyRule } from "../../local/kubernetes/index.ts";
import { startKubernetes } from "../../local/kubernetes/index.ts";
import { type Plan, sealPlan } from "../../src/model/plan.ts";
import type { Verification, WritePorts } from "../../src/model/playbook.ts";
import { collectEvidence } from "../../src/playbooks/collect-evidence.ts";
import type { MemoryEvidence } from "../../src/store/memory-evidence.ts";
import { CLUSTER, evidenceOf, node, portsOf } from "./cluster-objects.ts";

/** The remediation that collects. */
export const ID = "a-1";

const manifestSchema = z.object({
  remediation: z.string(),
  uid: z.string(),
  files: z.array(
    z.object({ name: z.string(), bytes: z.number(), sha256: z.string(), cut: z.literal(true).optional() }),
  ),
  missing: z.array(z.object({ what: z.string(), reason: z.string() })),
});

/** A cluster, a store beside it, and the playbook over both. */
export interface EvidenceBench {
  readonly cluster: KubernetesStandIn;
  readonly kept: MemoryEvidence;
  readonly ports: WritePorts;
  /** Plans; raises an error where there is nothing to do. */
  plan(): Promise<Plan>;
  /** Plans, collects and reads back. */
  collect(): Promise<Verification>;
  manifest(): z.infer<typeof manifestSchema>;
  /** A kept file as JSON. */
  json(name: string): unknown;
  bytes(name: string): Uint8Array;
}

/** Starts a cluster with these objects, and a node for its pods. */
export async function evidenceBench(
  objects: readonly object[],
  options: { readonly rules?: readonly PolicyRule[]; readonly controllers?: boolean } = {},
): Promise<EvidenceBench> {
  const cluster = await startKubernetes(options);
  cluster.seed([node("n1"), ...objects]);
  cluster.clear();
  const ports = portsOf(cluster);
  const target = { kind: "pod", cluster: CLUSTER, namespace: "shop", name: "web-1" } as const;
  const kept = evidenceOf(cluster);
  const bytes = (name: string): Uint8Array => {
    const found = kept.files.get(`${ID}/${name}`);
    if (found === undefined) throw new Error(`${name} is not kept: ${[...kept.files.keys()].join()}`);
    return found;
  };
  const json = (name: string): unknown => JSON.parse(new TextDecoder().decode(bytes(name)));
  const plan = async (): Promise<Plan> => {
    const outcome = await collectEvidence.plan({ target, parameters: {}, remediationId: ID }, ports);
    if (outcome.outcome !== "change") throw new Error(outcome.reason);
    return sealPlan(outcome.draft, { remediationId: ID, playbook: collectEvidence.name, target });
  };
  return {
    cluster,
    kept,
    ports,
    plan,
    async collect() {
      const made = await plan();
      await collectEvidence.apply(made, ports);
      return collectEvidence.verify(made, ports);
    },
    manifest: () => manifestSchema.parse(json("manifest.json")),
    json,
    bytes,
  };
}

/** SHA-256 in hexadecimal digits. */
export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
