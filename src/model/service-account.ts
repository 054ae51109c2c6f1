import type { ObjectIdentity } from "./kubernetes-objects.ts";
import type { Precondition } from "./kubernetes-port.ts";
import type { Json } from "./plan.ts";

/** A service account. */
export interface ServiceAccount extends ObjectIdentity {
  /** The object without what only the server writes, its owners and finalizers: who creates it gets one like it. */
  readonly manifest: { readonly [field: string]: Json };
}

/** How service accounts are read. */
export interface ServiceAccountReader {
  serviceAccount(namespace: string, name: string): Promise<ServiceAccount | null>;
}

/** How service accounts are changed. */
export interface ServiceAccountWriter {
  /** Deletes the account of that state, and so voids its tokens; already gone is fine. */
  deleteServiceAccount(namespace: string, name: string, condition: Precondition): Promise<void>;
  /** Creates one like the manifest, with more labels; `Conflict` when one of that name exists. */
  createServiceAccount(
    namespace: string,
    name: string,
    manifest: { readonly [field: string]: Json },
    labels: Readonly<Record<string, string>>,
  ): Promise<ServiceAccount>;
}
