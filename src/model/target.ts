import { z } from "zod";
import { WORKLOAD_KINDS } from "./kubernetes-objects.ts";

const text = z.string().min(1).max(2048);

/**
 * What can be acted upon. Names are as the API writes them; the identity of the object (uid) is in the plan,
 * since an object that came back under its name is another object. `cluster` is the ARM id of the cluster.
 */
export const targetSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("alert"), id: text }),
  z.strictObject({ kind: z.literal("pod"), cluster: text, namespace: text, name: text }),
  z.strictObject({
    kind: z.literal("workload"),
    cluster: text,
    namespace: text,
    workloadKind: z.enum(WORKLOAD_KINDS),
    name: text,
  }),
  z.strictObject({ kind: z.literal("namespace"), cluster: text, name: text }),
  z.strictObject({ kind: z.literal("node"), cluster: text, name: text }),
  z.strictObject({
    kind: z.literal("image"),
    cluster: text,
    /** Reference as written, or null where only the digest is known. */
    reference: text.nullable(),
    /** `sha256:…`, or null where only the reference is known. */
    digest: text.nullable(),
  }),
  z.strictObject({ kind: z.literal("cluster"), cluster: text }),
  z.strictObject({
    kind: z.literal("webhook"),
    cluster: text,
    webhookKind: z.enum(["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"]),
    name: text,
  }),
  z.strictObject({ kind: z.literal("service"), cluster: text, namespace: text, name: text }),
  z.strictObject({ kind: z.literal("service-account"), cluster: text, namespace: text, name: text }),
  z.strictObject({
    kind: z.literal("role-binding"),
    cluster: text,
    /** Of a RoleBinding; null: it is a ClusterRoleBinding. */
    namespace: text.nullable(),
    name: text,
  }),
]);

/** See `targetSchema`. */
export type Target = z.infer<typeof targetSchema>;

/** The kinds of targets. */
export type TargetKind = Target["kind"];

/** The target's canonical, case-folded key: equal keys mean the same object by name. */
export function targetKey(target: Target): string {
  return keyParts(target)
    .map((part) => encodeURIComponent(part.toLowerCase().toWellFormed()))
    .join("|");
}

function keyParts(target: Target): string[] {
  switch (target.kind) {
    case "alert":
      return ["alert", target.id];
    case "pod":
      return ["pod", target.cluster, target.namespace, target.name];
    case "service":
    case "service-account":
      return [target.kind, target.cluster, target.namespace, target.name];
    case "webhook":
      return ["webhook", target.cluster, target.webhookKind, target.name];
    case "workload":
      return ["workload", target.cluster, target.namespace, target.workloadKind, target.name];
    case "namespace":
    case "node":
      return [target.kind, target.cluster, target.name];
    case "image":
      // Two spellings of one image are one target only where the digest says so.
      return ["image", target.cluster, target.digest ?? target.reference ?? ""];
    case "cluster":
      return ["cluster", target.cluster];
    case "role-binding":
      // No namespace is called like nothing, so the two kinds never share a key.
      return ["role-binding", target.cluster, target.namespace ?? "", target.name];
  }
}

/** A few words for people: `pod shop/web-1 on prod-aks`. */
export function describeTarget(target: Target): string {
  const on = "cluster" in target ? ` on ${target.cluster.split("/").at(-1) ?? target.cluster}` : "";
  switch (target.kind) {
    case "alert":
      return `alert ${target.id}`;
    case "pod":
      return `pod ${target.namespace}/${target.name}${on}`;
    case "webhook":
      return `${target.webhookKind} ${target.name}${on}`;
    case "service":
      return `service ${target.namespace}/${target.name}${on}`;
    case "service-account":
      return `ServiceAccount ${target.namespace}/${target.name}${on}`;
    case "workload":
      return `${target.workloadKind} ${target.namespace}/${target.name}${on}`;
    case "image":
      return `image ${target.reference ?? target.digest ?? "?"}${on}`;
    case "namespace":
    case "node":
      return `${target.kind} ${target.name}${on}`;
    case "cluster":
      return `cluster${on}`;
    case "role-binding":
      return target.namespace === null
        ? `ClusterRoleBinding ${target.name}${on}`
        : `RoleBinding ${target.namespace}/${target.name}${on}`;
  }
}
