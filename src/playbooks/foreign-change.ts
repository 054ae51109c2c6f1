import { changedBy, type FieldManager } from "../model/field-managers.ts";

/**
 * Who set the first of these fields that has another manager, for the end of a sentence; empty where the cluster does
 * not tell. The name is what that client called itself.
 */
export function byWhom(
  object: { readonly managers: readonly FieldManager[] } | null,
  ...paths: readonly (readonly string[])[]
): string {
  const who = object && paths.map((path) => changedBy(object, path)).find((found) => found !== null);
  if (!who) return "";
  const name = who.name === "" ? "a client without a name" : who.name;
  return ` (set by ${name}${who.at === null ? "" : ` at ${who.at}`}, as the cluster recorded it)`;
}
