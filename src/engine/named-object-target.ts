import type { NamedObject } from "../model/signal.ts";
import type { Target } from "../model/target.ts";

/** The target of the wanted kind that an object of a signal is; null where it is of another kind, or there is none. */
export function namedObjectTarget(
  object: NamedObject | null,
  wanted: "webhook" | "service" | "role-binding",
  cluster: string,
): Target | null {
  if (object === null) return null;
  const { kind, namespace, name } = object;
  switch (kind) {
    case "ClusterRoleBinding":
    case "RoleBinding":
      return wanted === "role-binding" ? { kind: wanted, cluster, namespace, name } : null;
    case "ValidatingWebhookConfiguration":
    case "MutatingWebhookConfiguration":
      return wanted === "webhook" ? { kind: wanted, cluster, webhookKind: kind, name } : null;
    case "Service":
      return wanted === "service" && namespace !== null ? { kind: wanted, cluster, namespace, name } : null;
  }
}
