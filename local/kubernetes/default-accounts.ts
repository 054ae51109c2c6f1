import { createObject } from "./create-object.ts";
import type { ObjectStore } from "./object-store.ts";
import { resourceNamed } from "./resource-table.ts";

const accounts = resourceNamed("serviceaccounts");
const by = { manager: "kube-controller-manager", operation: "Update", subresource: "" } as const;

/** Gives a namespace the service account that every namespace has. */
export function reconcileAccounts(store: ObjectStore, namespace: string): void {
  if (store.get(accounts, namespace, "default") !== undefined) return;
  createObject(store, accounts, namespace, { metadata: { name: "default" } }, { by });
}
