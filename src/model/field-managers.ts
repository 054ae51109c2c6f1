import { FIELD_MANAGER } from "./incident-mark.ts";

/** Who set which fields of an object, as its API server keeps it. The name is what that client calls itself. */
export interface FieldManager {
  readonly name: string;
  readonly operation: "Apply" | "Update";
  /** ISO 8601; null where the server did not say. */
  readonly at: string | null;
  /** Leaf fields, each as the way to it: `["metadata", "labels", "app"]`. */
  readonly fields: readonly (readonly string[])[];
}

/**
 * Who, other than we, last set a field or something in it; null where nobody is named: a field that was removed has
 * no manager any more. It is a hint for the operator and never decides anything.
 */
export function changedBy(
  { managers }: { readonly managers: readonly FieldManager[] },
  path: readonly string[],
): FieldManager | null {
  const others = managers.filter(
    ({ name, fields }) => name !== FIELD_MANAGER && fields.some((field) => overlap(field, path)),
  );
  return others.reduce<FieldManager | null>(
    (last, one) => (last === null || (one.at ?? "") > (last.at ?? "") ? one : last),
    null,
  );
}

/** One of both leads to the other: a field inside the asked one, or a map that has one owner as a whole. */
function overlap(field: readonly string[], path: readonly string[]): boolean {
  const shared = Math.min(field.length, path.length);
  return shared > 0 && field.slice(0, shared).every((segment, at) => segment === path[at]);
}
