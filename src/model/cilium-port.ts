import type { ObjectIdentity } from "./kubernetes-objects.ts";

/** A CiliumNetworkPolicy; `spec` is kept as the API server returned it. */
export interface CiliumPolicy extends ObjectIdentity {
  readonly spec: unknown;
}

/** A CiliumNetworkPolicy that denies by Cilium's own rules, which win over every rule that allows. */
export interface CiliumDeny {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: object;
}

/** Reading Cilium's own policies. Errors as in `KubernetesReader`. */
export interface CiliumReader {
  ciliumPolicy(namespace: string, name: string): Promise<CiliumPolicy | null>;
}

/** Writing Cilium's own policies. Errors as in `KubernetesWriter`. */
export interface CiliumWriter {
  /** Creates the policy; `Conflict` when one of that name exists. */
  createCiliumDeny(policy: CiliumDeny): Promise<CiliumPolicy>;
  /** Deletes the policy of that uid; already gone is fine. */
  deleteCiliumPolicy(namespace: string, name: string, condition: { readonly uid: string }): Promise<void>;
}
