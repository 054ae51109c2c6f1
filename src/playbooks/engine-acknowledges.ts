import type { Pod } from "../model/kubernetes-objects.ts";
import type { KubernetesReader } from "../model/kubernetes-port.ts";
import type { CiliumDirection } from "../model/network-surroundings.ts";
import type { Verification } from "../model/playbook.ts";
import type { Direction } from "./network-verdict.ts";

const ASK_AGAIN_MS = 5_000;
/** Cilium's number for the pod's own node, which it always lets in. */
const OWN_NODE = 1;

/**
 * What the engine says of a pod that the API holds to be isolated in these directions; null where it says nothing, as all
 * but Cilium do. Cilium selects by the labels of an identity: until that has our label, and for ever where its
 * configuration leaves the label out, our policy selects nothing there.
 */
export async function engineAcknowledges(
  engine: string | null,
  pod: Pod,
  [key, value]: readonly [key: string, value: string],
  { directions, keeps }: { readonly directions: readonly Direction[]; readonly keeps: boolean },
  reader: KubernetesReader,
): Promise<Verification | null> {
  if (engine !== "Cilium") return null;
  const { namespace, name } = pod;
  const endpoint = await reader.ciliumEndpoint(namespace, name);
  if (endpoint === null || endpoint === "unread" || endpoint.identityLabels === null) return null;
  if (!endpoint.identityLabels.includes(`k8s:${key}=${value}`)) {
    return notYet(`Cilium has given pod ${namespace}/${name} no identity with our label.`);
  }
  if (endpoint.state !== null && endpoint.state !== "ready") {
    return notYet(`Cilium is still busy with pod ${namespace}/${name} (${endpoint.state}).`);
  }
  const asked = directions.map((direction) => ({ direction, ...endpoint[direction] }));
  if (asked.some(({ enforcing }) => enforcing === null)) return null;
  const idle = asked.filter(({ enforcing }) => enforcing !== true);
  if (idle.length > 0) {
    const which = idle.map(({ direction }) => direction).join(" and ");
    return notYet(`Cilium enforces nothing on ${which} of pod ${namespace}/${name}.`);
  }
  const remains = asked.flatMap(({ direction, allowed }) => openOf(direction, allowed));
  // Which of these identities are on the list that is kept, it does not say.
  if (remains.length > 0 && keeps) return null;
  return remains.length === 0 ? { verdict: "holds", proof: "proved" } : { verdict: "partial", remains };
}

function openOf(direction: Direction, allowed: CiliumDirection["allowed"]): string[] {
  const others = [...new Set(allowed)].filter((one) => !(direction === "ingress" && one === OWN_NODE));
  if (others.length === 0) return [];
  const way = direction === "ingress" ? "from" : "to";
  return [`Cilium reports that it still allows ${direction} ${way} identities ${others.join(", ")}.`];
}

function notYet(reason: string): Verification {
  return { verdict: "not-yet", reason, retryAfterMs: ASK_AGAIN_MS };
}
