import type { ObjectIdentity } from "./kubernetes-objects.ts";

/** The kinds of network engines of which we make one that denies. */
export type DenyKind = "CiliumNetworkPolicy" | "AdminNetworkPolicy" | "CalicoNetworkPolicy";

/** Those, and the kinds that are read to know who is asked before ours. */
export type EngineKind = DenyKind | "CalicoGlobalNetworkPolicy" | "CalicoTier";

/** An object of an engine's own kind; `spec` and `status` are kept as the API server returned them, null where absent. */
export interface EnginePolicy extends ObjectIdentity {
  readonly spec: unknown;
  readonly status: unknown;
}

/** A policy of an engine's own kind that only denies. `namespace` is empty where the kind knows none. */
export interface EngineDeny {
  readonly kind: DenyKind;
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: object;
}

/** Why there is nothing to be read: the cluster does not serve the kind, or our identity may not ask for it. */
export type Unreadable = "unserved" | "unread";

/** Reading policies of the engines' own kinds. Other errors as in `KubernetesReader`. */
export interface EnginePolicyReader {
  /** Null where the kind is served and has none of that name. */
  enginePolicy(
    of: Pick<EngineDeny, "kind" | "namespace" | "name">,
  ): Promise<EnginePolicy | Unreadable | null>;
  /** All of a kind, of one namespace where it has any; `tier` (Calico): of that tier alone. */
  enginePolicies(
    kind: EngineKind,
    within: { readonly namespace?: string; readonly tier?: string },
  ): Promise<readonly EnginePolicy[] | Unreadable>;
}

/** Writing policies of the engines' own kinds. Errors as in `KubernetesWriter`. */
export interface EnginePolicyWriter {
  /** Creates the policy; `Conflict` when one of that name exists. */
  createEngineDeny(deny: EngineDeny): Promise<EnginePolicy>;
  /** Deletes the policy of that uid; already gone is fine. */
  deleteEngineDeny(
    of: Pick<EngineDeny, "kind" | "namespace" | "name">,
    condition: { readonly uid: string },
  ): Promise<void>;
}
