import type { NamedObject } from "../model/signal.ts";
import { type AlertContext, behind, fieldAnswer, ofType } from "./alert-context.ts";
import { ABSENT, type Answer, agree, answered } from "./answer.ts";
import { textOf } from "./json-value.ts";

const CLUSTER_WIDE = [
  "ClusterRoleBinding",
  "ValidatingWebhookConfiguration",
  "MutatingWebhookConfiguration",
] as const;
const NAMESPACED = ["RoleBinding", "Service"] as const;

/** Names under which ExtendedProperties name an object of one kind (seen in alerts of K8S_ClusterAdminBinding). */
const OWN_WORDS = [
  ["cluster role binding name", "ClusterRoleBinding"],
  ["role binding name", "RoleBinding"],
] as const;

/**
 * The object that an alert names and that is neither pod nor workload, as `Kind namespace/name`; the namespace is empty
 * where it has none. Several names that differ are a doubt, a namespaced one without its namespace is no name.
 */
export function namedObject(context: AlertContext): Answer {
  const { index, extended } = context;
  const namespace = extended.get("namespace") ?? null;
  const services = ofType(index, "k8s-service").map((node) => {
    const home = textOf(node.fields.get("namespace"));
    const place =
      home === null
        ? behind(index.follow(node, "namespace", "k8s-namespace"), (found) => fieldAnswer(found, "name"))
        : answered(home);
    return place.state === "found" ? written("Service", place.text, textOf(node.fields.get("name"))) : place;
  });
  return agree([
    ...services,
    ...OWN_WORDS.map(([word, kind]) => written(kind, namespace, extended.get(word) ?? null)),
    written(knownKind(extended.get("object kind") ?? ""), namespace, extended.get("object name") ?? null),
  ]);
}

/** The object of an answer of `namedObject`. */
export function objectFrom(text: string): NamedObject | null {
  const [, kind = "", namespace = "", name = ""] = /^(\S+) ([^/]*)\/(.+)$/s.exec(text) ?? [];
  const known = knownKind(kind);
  return known === null || name === "" ? null : { kind: known, namespace: namespace || null, name };
}

function written(kind: NamedObject["kind"] | null, namespace: string | null, name: string | null): Answer {
  if (kind === null || name === null) return ABSENT;
  const isNamespaced = NAMESPACED.some((one) => one === kind);
  if (!isNamespaced) return answered(`${kind} /${name}`);
  return namespace === null || namespace.includes("/") ? ABSENT : answered(`${kind} ${namespace}/${name}`);
}

function knownKind(kind: string): NamedObject["kind"] | null {
  const folded = kind.toLowerCase();
  return [...CLUSTER_WIDE, ...NAMESPACED].find((one) => one.toLowerCase() === folded) ?? null;
}
