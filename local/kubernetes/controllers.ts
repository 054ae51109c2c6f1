import { reconcileAutoscalers } from "./autoscaling.ts";
import { reconcileAccounts } from "./default-accounts.ts";
import { reconcileBudgets } from "./disruption-budgets.ts";
import { stringAt } from "./json-value.ts";
import { isBeingDeleted, type KubeObject, namespaceOf, ownersOf } from "./kube-object.ts";
import type { ObjectStore } from "./object-store.ts";
import { reconcilePods } from "./pod-controllers.ts";
import { resourceNamed, resources } from "./resource-table.ts";
import { reconcileDeployments } from "./rollouts.ts";

const namespaces = resourceNamed("namespaces");
const lists = resourceNamed("admissionlists");
// Far above what any chain of owners needs; two owners that fight over one pod must not hang the process.
const roundLimit = 20;

/**
 * The controllers of one cluster. They run when asked, to the end and in a fixed order, so the same requests always
 * lead to the same state; only namespaces that were written to since the last run are looked at.
 */
export class Controllers {
  readonly #store: ObjectStore;
  readonly #touched = new Set<string>();
  readonly #gone: KubeObject[] = [];

  constructor(store: ObjectStore) {
    this.#store = store;
    store.listen(({ type, object, resource }) => {
      if (type === "DELETED") this.#gone.push(object);
      if (resource === namespaces) this.#touched.add(object.metadata.name);
      // A list that an admission policy reads may let in, anywhere, what it refused before: controllers try again.
      else this.#touched.add(resource === lists ? "" : namespaceOf(object));
    });
  }

  /** Brings the cluster to rest. */
  settle(): void {
    for (let round = 0; round < roundLimit && this.#touched.size > 0; round += 1) {
      // A changed node or other cluster-wide object may matter to every namespace.
      const everywhere = this.#touched.has("");
      const all = this.#store.list(namespaces).map((namespace) => namespace.metadata.name);
      const touched = everywhere ? all : [...this.#touched].sort();
      this.#touched.clear();
      this.#collectGarbage();
      for (const namespace of touched) this.#reconcile(namespace);
    }
    this.#touched.clear();
  }

  #reconcile(name: string): void {
    const namespace = this.#store.get(namespaces, "", name);
    if (namespace !== undefined && isBeingDeleted(namespace)) {
      this.#empty(namespace);
      return;
    }
    if (namespace !== undefined) reconcileAccounts(this.#store, name);
    reconcileAutoscalers(this.#store, name);
    reconcileDeployments(this.#store, name);
    reconcilePods(this.#store, name);
    reconcileBudgets(this.#store, name);
  }

  // An ended namespace takes everything in it along.
  #empty(namespace: KubeObject): void {
    for (const resource of resources.filter(({ namespaced }) => namespaced)) {
      for (const object of this.#store.list(resource, namespace.metadata.name)) {
        this.#store.remove(resource, object);
      }
    }
    this.#store.remove(namespaces, namespace);
  }

  // What names only deleted owners goes too. An owner that never existed here deletes nothing: a seeded object may
  // name one.
  #collectGarbage(): void {
    for (let owner = this.#gone.shift(); owner !== undefined; owner = this.#gone.shift()) {
      for (const resource of resources) {
        for (const object of this.#store.list(resource, namespaceOf(owner))) {
          const owners = ownersOf(object).map((reference) => stringAt(reference, "uid"));
          if (owners.length > 0 && owners.every((uid) => uid === owner?.metadata.uid)) {
            this.#store.remove(resource, object);
          }
        }
      }
    }
  }
}
