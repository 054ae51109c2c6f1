import type { ObjectStore } from "./object-store.ts";
import { type Resource, resourceNamed } from "./resource-table.ts";

/** Is the kind served: one of the server's own, or one that its CustomResourceDefinition has installed? */
export function isServed(store: ObjectStore, { custom, plural, group }: Resource): boolean {
  if (!custom) return true;
  return store.get(resourceNamed("customresourcedefinitions"), "", `${plural}.${group}`) !== undefined;
}
