import type { FieldManager } from "../../model/field-managers.ts";

/** An API server keeps ten updating managers of an object and one for each that applies. */
const MOST_MANAGERS = 50;
/** A pod has some two hundred fields. */
const MOST_FIELDS = 2_000;
const MOST_DEPTH = 40;
/** The API server's own limit for a manager's name. */
const MOST_NAME = 128;

/** An entry of managedFields, typed or as it comes over the wire. */
interface ManagedFields {
  readonly manager?: string | undefined;
  readonly operation?: string | undefined;
  readonly time?: Date | undefined;
  readonly fieldsV1?: unknown;
}

/** Who set which fields, from the API's managedFields; what is over the limits or malformed is left out. */
export function managersFrom(entries: readonly ManagedFields[] | undefined): readonly FieldManager[] {
  return (entries ?? []).slice(0, MOST_MANAGERS).map(({ manager, operation, time, fieldsV1 }) => ({
    name: (manager ?? "").slice(0, MOST_NAME),
    operation: operation === "Apply" ? "Apply" : "Update",
    at: time instanceof Date && !Number.isNaN(time.getTime()) ? time.toISOString() : null,
    fields: fieldsFrom(fieldsV1),
  }));
}

/** The leaves of FieldsV1: `f:name` is a field, `k:`, `v:` and `i:` entries of lists, `.` the thing itself. */
function fieldsFrom(fieldsV1: unknown): readonly (readonly string[])[] {
  const found: string[][] = [];
  const open: { readonly value: unknown; readonly path: string[] }[] = [{ value: fieldsV1, path: [] }];
  for (let part = open.pop(); part !== undefined && found.length < MOST_FIELDS; part = open.pop()) {
    const { value, path } = part;
    const inner = typeof value === "object" && value !== null ? Object.entries(value) : [];
    const below = inner.filter(([key]) => key !== ".");
    if (below.length === 0 && path.length > 0) found.push(path);
    else if (path.length < MOST_DEPTH) {
      open.push(...below.map(([key, next]) => ({ value: next, path: [...path, key.replace(/^f:/, "")] })));
    }
  }
  return found;
}
