import { camelKey } from "./camel-key.ts";
import { isObject, type JsonObject, listOf, own, textOf } from "./json-value.ts";

/** One entity of an alert, wherever in the tree it is defined: its type lower-cased, its fields by camelCase name. */
export interface EntityNode {
  readonly type: string;
  readonly fields: ReadonlyMap<string, unknown>;
}

/** What a property that points to another entity leads to. */
export type Pointed =
  | { readonly state: "absent" }
  | { readonly state: "dangling" }
  | { readonly state: "ambiguous" }
  | { readonly state: "found"; readonly node: EntityNode };

/** The entities of one alert in the order of their definition, and what references among them mean. */
export interface EntityIndex {
  readonly nodes: readonly EntityNode[];
  /** Follows the property `name` of an entity to an entity of type `type`; one of another type counts as dangling. */
  readonly follow: (node: EntityNode, name: string, type: string) => Pointed;
}

const DANGLING = { state: "dangling" } as const;
const AMBIGUOUS = { state: "ambiguous" } as const;

function idText(value: unknown): string | null {
  return typeof value === "number" ? String(value) : textOf(value);
}

/** The id that an object refers to, when it is a reference: `{"$ref": "4"}` and nothing else. */
function referenceOf(value: JsonObject): string | null {
  return Object.keys(value).length === 1 ? idText(own(value, "$ref")) : null;
}

/** Fields by camelCase name; two that differ only in casing and disagree count as not said. */
function fieldsOf(value: JsonObject): Map<string, unknown> {
  const fields = new Map<string, unknown>();
  for (const [key, field] of Object.entries(value)) {
    const name = camelKey(key);
    fields.set(name, fields.has(name) && fields.get(name) !== field ? undefined : field);
  }
  return fields;
}

/** All objects of a tree, parents before children, without recursion: chains of processes are deep. */
function* objectsIn(root: unknown): Generator<JsonObject> {
  const stack: unknown[] = [root];
  while (stack.length > 0) {
    const value = stack.pop();
    if (isObject(value)) yield value;
    const inner = isObject(value) ? Object.values(value) : listOf(value);
    for (let at = inner.length - 1; at >= 0; at -= 1) stack.push(inner[at]);
  }
}

function typeOf(value: JsonObject): string | null {
  return (textOf(own(value, "Type")) ?? textOf(own(value, "type")))?.toLowerCase() ?? null;
}

/**
 * Indexes every `$id` of an alert's Entities and ResourceIdentifiers, at any depth. An `$id` that stands twice is
 * ambiguous, whichever of the two a reference may mean.
 */
export function indexEntities(entities: unknown, resourceIdentifiers: unknown): EntityIndex {
  const nodes: EntityNode[] = [];
  const byObject = new Map<JsonObject, EntityNode>();
  const byId = new Map<string, JsonObject | "ambiguous">();
  const remember = (value: JsonObject): void => {
    const id = idText(own(value, "$id"));
    if (id !== null) byId.set(id, byId.has(id) ? "ambiguous" : value);
  };
  for (const value of objectsIn(resourceIdentifiers)) remember(value);
  for (const value of objectsIn(entities)) {
    remember(value);
    const type = typeOf(value);
    if (type === null) continue;
    const node = { type, fields: fieldsOf(value) };
    nodes.push(node);
    byObject.set(value, node);
  }

  const follow = (node: EntityNode, name: string, type: string): Pointed => {
    const value = node.fields.get(name);
    if (!isObject(value)) return value == null ? { state: "absent" } : DANGLING;
    const reference = referenceOf(value);
    const meant = reference === null ? value : byId.get(reference);
    if (meant === "ambiguous") return AMBIGUOUS;
    const found = meant === undefined ? undefined : byObject.get(meant);
    return found?.type === type ? { state: "found", node: found } : DANGLING;
  };
  return { nodes, follow };
}
