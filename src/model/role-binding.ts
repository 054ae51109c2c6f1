import type { ObjectIdentity } from "./kubernetes-objects.ts";
import type { Precondition } from "./kubernetes-port.ts";
import type { Json } from "./plan.ts";

/** Who is given a role; `namespace` is that of a ServiceAccount, null for users and groups. */
export interface RoleSubject {
  readonly kind: string;
  readonly namespace: string | null;
  readonly name: string;
}

/** A RoleBinding, or, where its namespace is empty, a ClusterRoleBinding. */
export interface RoleBinding extends ObjectIdentity {
  readonly role: { readonly kind: string; readonly name: string };
  readonly subjects: readonly RoleSubject[];
  /** The object without what only the server writes: who applies it gets the same binding under another uid. */
  readonly manifest: Json;
}

/** How bindings are read; a namespace of null asks for a ClusterRoleBinding. */
export interface RoleBindingReader {
  roleBinding(namespace: string | null, name: string): Promise<RoleBinding | null>;
}

/** How bindings are changed. */
export interface RoleBindingWriter {
  /** Deletes the binding of that state; already gone is fine. The API server lets nobody patch one who lacks its rights. */
  deleteRoleBinding(namespace: string | null, name: string, condition: Precondition): Promise<void>;
}
