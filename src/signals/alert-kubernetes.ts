import { clusterOf } from "./alert-cluster.ts";
import { type AlertContext, behind, doubtOf, fieldAnswer, ofType } from "./alert-context.ts";
import { imageOf } from "./alert-image.ts";
import { ABSENT, type Answer, agree, answered, type Doubt, orElse, settle, settleDetail } from "./answer.ts";
import type { EntityIndex, EntityNode } from "./entity-index.ts";
import { textOf } from "./json-value.ts";
import { type KubernetesFacts, workloadKind } from "./kubernetes-facts.ts";
import { namedObject, objectFrom } from "./named-object.ts";

function namespaceOf(index: EntityIndex, node: EntityNode): Answer {
  const written = textOf(node.fields.get("namespace"));
  if (written !== null) return answered(written);
  return behind(index.follow(node, "namespace", "k8s-namespace"), (found) => fieldAnswer(found, "name"));
}

/** The namespace of the acting identity: by its reference, else by `system:serviceaccount:namespace:name`. */
function accountNamespace(index: EntityIndex, account: EntityNode): string | null {
  const referred = namespaceOf(index, account);
  if (referred.state === "found") return referred.text;
  const [system, kind, namespace, name, ...more] = textOf(account.fields.get("name"))?.split(":") ?? [];
  const isWhole = system === "system" && kind === "serviceaccount" && name !== undefined && more.length === 0;
  return isWhole ? (namespace ?? null) : null;
}

/** A namespace entity counts by itself only if it is the only one and no service account uses it. */
function loneNamespace(index: EntityIndex): Answer {
  const acting = new Set(
    ofType(index, "k8s-serviceaccount").map((account) => accountNamespace(index, account)),
  );
  const names = ofType(index, "k8s-namespace").map((node) => fieldAnswer(node, "name"));
  const free = names.filter((name) => name.state !== "found" || !acting.has(name.text));
  const agreed = agree(free);
  return agreed.state === "found" && free.length < names.length ? ABSENT : agreed;
}

function workloadNodes(index: EntityIndex): readonly EntityNode[] {
  return index.nodes.filter((node) => node.type.startsWith("k8s-") && workloadKind(node.type) !== null);
}

/** The workload as `Kind/name`, from entities or from the object that ExtendedProperties repeat. */
function workloadOf({ index, extended }: AlertContext): Answer {
  const written = (kind: string | null, name: string | null): Answer =>
    answered(kind === null || name === null ? null : `${kind}/${name}`);
  const nodes = workloadNodes(index);
  const byEntity = agree(
    nodes.map((node) => written(workloadKind(node.type), textOf(node.fields.get("name")))),
  );
  return orElse(byEntity, () =>
    written(workloadKind(extended.get("object kind") ?? null), extended.get("object name") ?? null),
  );
}

function podOf({ index, extended }: AlertContext): Answer {
  const named = ofType(index, "k8s-pod").map((pod) => fieldAnswer(pod, "name"));
  const referred = ofType(index, "container").map((node) => doubtOf(index.follow(node, "pod", "k8s-pod")));
  const isPod = extended.get("object kind")?.toLowerCase() === "pod";
  return orElse(agree([...named, ...referred]), () =>
    answered(isPod ? (extended.get("object name") ?? null) : null),
  );
}

/** The namespace that ExtendedProperties name where it is not the one of the acting service account. */
function affectedNamespaceOf({ index, extended }: AlertContext): Answer {
  const touched = extended.get("namespace") ?? null;
  const acting = ofType(index, "k8s-serviceaccount").map((account) => accountNamespace(index, account));
  const isElsewhere = acting.length > 0 && acting.every((own) => own !== null && own !== touched);
  return answered(isElsewhere ? touched : null);
}

/**
 * Resolves what an alert about containers means: the namespace is that of the pod or the workload, else a lone
 * namespace entity, else ExtendedProperties. `doubts` takes what forbids to act on the alert.
 */
export function resolveKubernetes(context: AlertContext, doubts: Set<Doubt>): KubernetesFacts {
  const { index, extended } = context;
  const owners = [...ofType(index, "k8s-pod"), ...workloadNodes(index)];
  const owned = agree(owners.map((node) => namespaceOf(index, node)));
  // Objects of one name in two namespaces are two objects.
  const isApart = owned.state === "differs";
  const namespace = orElse(
    orElse(owned, () => loneNamespace(index)),
    () => answered(extended.get("namespace") ?? null),
  );
  const cluster = settle(clusterOf(context), doubts);
  const workload = settle(isApart ? owned : workloadOf(context), doubts);
  const containers = agree(ofType(index, "container").map((node) => fieldAnswer(node, "name")));
  const container = orElse(containers, () => answered(extended.get("container name") ?? null));
  const { image, digest } = imageOf(context);
  const object = settleDetail(namedObject(context), doubts);
  const accounts = ofType(index, "k8s-serviceaccount").map((node) => fieldAnswer(node, "name"));
  return {
    cluster: cluster === null ? null : { resourceId: cluster },
    namespace: settle(namespace, doubts),
    affectedNamespace: settle(affectedNamespaceOf(context), doubts),
    workload: workload === null ? null : splitWorkload(workload),
    pod: settle(isApart ? owned : podOf(context), doubts),
    container: settleDetail(container, doubts),
    image: settleDetail(image, doubts),
    digest: settleDetail(digest, doubts),
    serviceAccount: settleDetail(agree(accounts), doubts),
    object: object === null ? null : objectFrom(object),
  };
}

function splitWorkload(text: string): { kind: string; name: string } {
  const slash = text.indexOf("/");
  return { kind: text.slice(0, slash), name: text.slice(slash + 1) };
}
