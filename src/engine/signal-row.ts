import { cellText } from "../store/cell-json.ts";
import { signalHash, signalRowKey } from "../store/row-keys.ts";
import type { Operation } from "../store/table.ts";
import { SCHEMA } from "../store/target-row.ts";

/** An insert-only row that says: this signal has been decided for this playbook on this target, by this record. */
export function signalRow(
  hash: string,
  playbook: string,
  id: string,
  identity: string,
  at: string | null,
): Operation {
  const cells = { schema: SCHEMA, id, identity: cellText(identity, 2000), at: at ?? "" };
  return { do: "insert", key: signalRowKey(hash, playbook, signalHash(identity)), cells };
}
