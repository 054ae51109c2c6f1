import type { Entity } from "../model/signal.ts";
import type { EntityNode } from "./entity-index.ts";
import { firstText } from "./json-value.ts";

/** Fields with a place of their own, bookkeeping of the wire, and the one name that means something to JavaScript. */
const LEFT_OUT: ReadonlySet<string> = new Set(["type", "asset", "$id", "$ref", "__proto__"]);

function attributesOf(node: EntityNode): Record<string, string> {
  // No prototype: a lookup of `constructor` among names from outside must find nothing.
  const attributes: Record<string, string> = Object.create(null);
  for (const [name, value] of node.fields) {
    if (LEFT_OUT.has(name)) continue;
    if (typeof value === "string") attributes[name] = value;
    if (typeof value === "number" || typeof value === "boolean") attributes[name] = String(value);
  }
  return attributes;
}

/** The entities in our own words, in the order of their definition; equal for both casings of one alert. */
export function listEntities(nodes: readonly EntityNode[]): Entity[] {
  return nodes.map((node) => {
    const asset = node.fields.get("asset");
    return {
      type: node.type,
      name: firstText(node.fields.get("name"), node.fields.get("hostName"), node.fields.get("resourceName")),
      asset: typeof asset === "boolean" ? asset : null,
      attributes: attributesOf(node),
    };
  });
}
