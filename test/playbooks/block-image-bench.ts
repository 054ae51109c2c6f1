import type { PolicyRule } from "../../local/kubernetes/index.ts";
import { type Plan, sealPlan } from "../../src/model/plan.ts";
import { blockImage } from "../../src/playbooks/block-image.ts";
import { blockListObjects, CLUSTER } from "./cluster-objects.ts";
import { startCluster } from "./start-cluster.ts";

/** The digest of the image that the tests block. */
export const DIGEST = `sha256:${"4f".repeat(32)}`;

/** A cluster with these objects, and its ports. */
export function start(
  objects: readonly object[] = [],
  base = blockListObjects(),
  rules?: readonly PolicyRule[],
) {
  return startCluster([...base, ...objects], { controllers: false, rules });
}

type Ports = Awaited<ReturnType<typeof start>>["ports"];

/** An image on the cluster. */
export const image = (reference: string | null, digest: string | null = null) =>
  ({ kind: "image", cluster: CLUSTER, reference, digest }) as const;
/** What the playbook plans. */
export const propose = (ports: Ports, target: ReturnType<typeof image>, parameters: object = {}) =>
  blockImage.plan({ target, parameters, remediationId: "a-1" }, ports);

/** The plan; raises an error where there is none. */
export async function planOf(ports: Ports, target = image("evil:1", DIGEST), parameters = {}): Promise<Plan> {
  const outcome = await propose(ports, target, parameters);
  if (outcome.outcome !== "change") throw new Error(outcome.reason);
  return sealPlan(outcome.draft, { remediationId: "a-1", playbook: blockImage.name, target });
}

/** A cluster on which the image is blocked. */
export async function blocked(objects: readonly object[] = [], base = blockListObjects()) {
  const { cluster, ports } = await start(objects, base);
  const plan = await planOf(ports);
  await blockImage.apply(plan, ports);
  cluster.clear();
  return { cluster, ports, plan };
}
