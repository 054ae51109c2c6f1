import { randomUUID } from "node:crypto";
import type { JsonObject } from "./json-value.ts";
import { type KubeObject, namespaceOf, timestamp } from "./kube-object.ts";
import { apiVersionOf, type Resource } from "./resource-table.ts";

/** One change of one object; `version` is the resourceVersion that it made. */
export interface StoreEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly resource: Resource;
  readonly version: number;
  readonly object: KubeObject;
  readonly previous: KubeObject | undefined;
}

/**
 * The objects of one cluster under one counter: every write takes the next resourceVersion, whatever the kind.
 * Stored objects are never changed in place: a write puts a new object there, so old ones may be handed out.
 */
export class ObjectStore {
  readonly events: StoreEvent[] = [];
  readonly #objects = new Map<string, Map<string, KubeObject>>();
  readonly #born = new Map<string, number>();
  readonly #listeners = new Set<(event: StoreEvent) => void>();
  #version = 1;

  /** The resourceVersion of the latest write. */
  get version(): number {
    return this.#version;
  }

  /** One object, or undefined. */
  get(resource: Resource, namespace: string, name: string): KubeObject | undefined {
    return this.#of(resource).get(`${namespace}/${name}`);
  }

  /** The objects of a kind in one namespace (all of them for undefined), ordered by namespace and name. */
  list(resource: Resource, namespace?: string): KubeObject[] {
    const all = [...this.#of(resource)].filter(
      ([key]) => namespace === undefined || key.startsWith(`${namespace}/`),
    );
    return all.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
  }

  /** The same list as it was at an earlier resourceVersion: pages of one list stem from one moment. */
  listAt(resource: Resource, namespace: string | undefined, version: number): KubeObject[] {
    const state = new Map(this.list(resource, namespace).map((object) => [keyOf(object), object]));
    for (const event of this.events.toReversed()) {
      if (event.version <= version) break;
      if (event.resource !== resource) continue;
      if (namespace !== undefined && namespaceOf(event.object) !== namespace) continue;
      if (event.previous === undefined) state.delete(keyOf(event.object));
      else state.set(keyOf(event.object), event.previous);
    }
    return [...state].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
  }

  /** Gives a new object what the server gives it: identity, time, first generation. Stores nothing. */
  prepare(resource: Resource, object: JsonObject, metadata: JsonObject & { name: string }): KubeObject {
    const given = metadata["uid"];
    const born = metadata["creationTimestamp"];
    return {
      ...object,
      apiVersion: apiVersionOf(resource),
      kind: resource.kind,
      metadata: {
        ...metadata,
        uid: typeof given === "string" && given !== "" ? given : randomUUID(),
        resourceVersion: "",
        creationTimestamp: typeof born === "string" && born !== "" ? born : timestamp(),
        ...(resource.generation ? { generation: 1 } : {}),
      },
    };
  }

  /** Stores a new or changed object under the next resourceVersion and tells the listeners. */
  put(resource: Resource, object: KubeObject): KubeObject {
    const version = ++this.#version;
    const stored: KubeObject = {
      ...object,
      metadata: { ...object.metadata, resourceVersion: String(version) },
    };
    const previous = this.#of(resource).get(keyOf(object));
    this.#of(resource).set(keyOf(object), stored);
    if (previous === undefined) this.#born.set(stored.metadata.uid, version);
    const type = previous === undefined ? "ADDED" : "MODIFIED";
    this.#tell({ type, resource, version, object: stored, previous });
    return stored;
  }

  /** Removes an object; the removal is a write of its own and takes a resourceVersion. */
  remove(resource: Resource, object: KubeObject): void {
    const previous = this.#of(resource).get(keyOf(object));
    if (previous === undefined) return;
    const version = ++this.#version;
    this.#of(resource).delete(keyOf(object));
    const last: KubeObject = {
      ...previous,
      metadata: { ...previous.metadata, resourceVersion: String(version) },
    };
    this.#tell({ type: "DELETED", resource, version, object: last, previous });
  }

  /** Older first: by creation time, then (times have whole seconds) by the order of the writes. */
  byAge(objects: readonly KubeObject[]): KubeObject[] {
    const order = (object: KubeObject) => this.#born.get(object.metadata.uid) ?? 0;
    return [...objects].sort((a, b) => {
      const [left, right] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp];
      return left === right ? order(a) - order(b) : left < right ? -1 : 1;
    });
  }

  /** Calls back for every later change, until the returned function is called. */
  listen(listener: (event: StoreEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #of(resource: Resource): Map<string, KubeObject> {
    const key = `${resource.group}/${resource.plural}`;
    const found = this.#objects.get(key) ?? new Map<string, KubeObject>();
    this.#objects.set(key, found);
    return found;
  }

  #tell(event: StoreEvent): void {
    this.events.push(event);
    for (const listener of this.#listeners) listener(event);
  }
}

function keyOf(object: KubeObject): string {
  return `${namespaceOf(object)}/${object.metadata.name}`;
}
