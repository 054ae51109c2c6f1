import type { Row } from "../store/table.ts";
import { SCHEMA } from "../store/target-row.ts";

/** Does the row bear the number of a schema that this version or an older one wrote? */
export function hasOurSchema({ cells: { schema } }: Row): boolean {
  return typeof schema === "number" && Number.isInteger(schema) && schema >= 1 && schema <= SCHEMA;
}
