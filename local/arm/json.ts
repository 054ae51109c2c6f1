/** A JSON object whose fields are looked at one by one. */
export type Json = Readonly<Record<string, unknown>>;

/** Is it a JSON object, and no list? */
export function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A field of what may be an object. */
export function field(value: unknown, name: string): unknown {
  return isJson(value) ? value[name] : undefined;
}

/** A text field; empty where there is none. */
export function textField(value: unknown, name: string): string {
  const found = field(value, name);
  return typeof found === "string" ? found : "";
}

/** All names with a small first letter, as Resource Manager writes what is exported with a large one. */
export function camelCased(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelCased);
  if (!isJson(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [camel(name), camelCased(inner)]));
}

/** A name with a small first letter. */
export function camel(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}
