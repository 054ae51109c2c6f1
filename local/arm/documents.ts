import { type ArmDocument, documentsOf } from "./exported.ts";
import { isJson, type Json } from "./json.ts";

/** An AKS cluster as Resource Manager shows it, and the kubeconfig that it hands out to users. */
export interface ManagedCluster {
  readonly cluster: Json;
  readonly kubeconfig: string;
}

/** Everything that the stand-in shows, by id without case. */
export class Documents {
  readonly #records = new Map<string, Json>();
  readonly #tags = new Map<string, Readonly<Record<string, string>>>();
  readonly #clusters = new Map<string, ManagedCluster>();
  readonly #flux = new Map<string, Json>();
  readonly #groups = new Map<string, readonly string[]>();

  /** Takes what a body of continuous export says as Defender's own. */
  learn(body: string | Uint8Array): void {
    for (const one of documentsOf(body)) this.#put(one);
  }

  /** Changes the properties of a record that is there, as when somebody dismisses an alert. Raises an error where it is not. */
  change(id: string, properties: Json): void {
    const before = this.record(id);
    if (before === null) throw new Error(`The stand-in of Resource Manager has no ${id}.`);
    const old = before["properties"];
    this.#records.set(keyOf(id), {
      ...before,
      properties: { ...(isJson(old) ? old : {}), ...properties },
    });
  }

  /** The ids of all records of Defender, as they were learnt. */
  ids(): string[] {
    return [...this.#records.values()].map(({ id }) => String(id));
  }

  /** Takes a record away. */
  forget(id: string): void {
    this.#records.delete(keyOf(id));
  }

  /** Tags of a subscription, a resource group or a resource; what has none here does not exist. */
  setTags(id: string, tags: Readonly<Record<string, string>>): void {
    this.#tags.set(keyOf(id), tags);
  }

  /** Management groups above a subscription, nearest first; one that has none here cannot be seen. */
  setManagementGroups(subscriptionId: string, names: readonly string[]): void {
    this.#groups.set(subscriptionId.toLowerCase(), names);
  }

  /** An AKS cluster with these properties, in place of what was known of it; `kubeconfig` is what its users get. */
  setManagedCluster(id: string, properties: Json, kubeconfig: string): void {
    const name = id.split("/").at(-1) ?? "";
    const type = "Microsoft.ContainerService/ManagedClusters";
    const cluster = { id, name, type, location: "westeurope", properties };
    this.#clusters.set(keyOf(id), { cluster, kubeconfig });
  }

  /** A Flux configuration of a cluster with these properties; null takes it away. */
  setFluxConfiguration(cluster: string, name: string, properties: Json | null): void {
    const id = `${cluster}/providers/Microsoft.KubernetesConfiguration/fluxConfigurations/${name}`;
    const type = "Microsoft.KubernetesConfiguration/fluxConfigurations";
    if (properties === null) this.#flux.delete(keyOf(id));
    else this.#flux.set(keyOf(id), { id, name, type, properties });
  }

  fluxConfiguration(id: string): Json | null {
    return this.#flux.get(keyOf(id)) ?? null;
  }

  managedCluster(id: string): ManagedCluster | null {
    return this.#clusters.get(keyOf(id)) ?? null;
  }

  record(id: string): Json | null {
    return this.#records.get(keyOf(id)) ?? null;
  }

  tags(id: string): Readonly<Record<string, string>> | null {
    return this.#tags.get(keyOf(id)) ?? null;
  }

  managementGroups(subscriptionId: string): readonly string[] | null {
    return this.#groups.get(subscriptionId.toLowerCase()) ?? null;
  }

  #put({ id, document, deleted }: ArmDocument): void {
    if (deleted) this.forget(id);
    else this.#records.set(keyOf(id), document);
  }
}

function keyOf(id: string): string {
  return id.toLowerCase().replace(/\/+$/, "");
}
