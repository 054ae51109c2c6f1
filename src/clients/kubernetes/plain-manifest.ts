import type { Json } from "../../model/plan.ts";

/** A manifest in the words of the wire, as JSON: the client leaves undefined where the server wrote nothing. */
export function plainManifest(wire: unknown): { readonly [field: string]: Json } {
  const json: { readonly [field: string]: Json } = JSON.parse(JSON.stringify(wire));
  return json;
}
