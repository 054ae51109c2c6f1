import { type KubernetesStandIn, startKubernetes } from "../../local/kubernetes/index.ts";
import { type Plan, sealPlan } from "../../src/model/plan.ts";
import type { AnyPlaybook, WritePorts } from "../../src/model/playbook.ts";
import { CLUSTER, portsOf } from "./cluster-objects.ts";

/** The remediation of these tests. */
export const ID = "a-1";

/** A stand-in with a plan for the pod `shop/web-1`, and a way for others to change things there. */
export interface NetworkBench {
  readonly cluster: KubernetesStandIn;
  readonly ports: WritePorts;
  readonly plan: Plan;
  /** A merge patch by somebody else, under the name that he gives himself. */
  patch(path: string, who: string, body: object): Promise<void>;
  /** A new network policy by somebody else. */
  create(who: string, policy: object): Promise<void>;
  remove(path: string): Promise<void>;
}

/** Seeds the objects and plans; raises where the playbook would not. */
export async function networkBench(
  playbook: AnyPlaybook,
  objects: readonly object[],
  parameters: object = {},
): Promise<NetworkBench> {
  const cluster = await startKubernetes({ controllers: false });
  cluster.seed(objects);
  cluster.clear();
  const ports = portsOf(cluster);
  const target = { kind: "pod", cluster: CLUSTER, namespace: "shop", name: "web-1" } as const;
  const outcome = await playbook.plan({ target, parameters, remediationId: ID }, ports);
  if (outcome.outcome !== "change") throw new Error(outcome.reason);
  const plan = sealPlan(outcome.draft, { remediationId: ID, playbook: playbook.name, target });
  const send = async (method: string, path: string, who: string, body?: object): Promise<void> => {
    const response = await fetch(`${cluster.url}${path}?fieldManager=${who}`, {
      method,
      headers: {
        authorization: "Bearer stand-in-token",
        "content-type": method === "PATCH" ? "application/merge-patch+json" : "application/json",
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(await response.text());
  };
  return {
    cluster,
    ports,
    plan,
    patch: (path, who, body) => send("PATCH", path, who, body),
    create: (who, policy) =>
      send("POST", "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies", who, policy),
    remove: (path) => send("DELETE", path, "somebody"),
  };
}
