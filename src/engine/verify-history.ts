import { CONTROL } from "../store/row-keys.ts";
import type { Row } from "../store/table.ts";
import {
  type ControlRow,
  controlHashOf,
  decodeControl,
  HISTORY_HEAD,
  historyKey,
  historyRows,
} from "./control-history.ts";
import { eachRow } from "./each-row.ts";
import type { Engine } from "./engine.ts";
import { hasOurSchema } from "./our-schema.ts";

const TRIES = 3;

/** Walks the control history: the first row that is altered or missing, as a sentence. Raises `StoreUnreachable`. */
export async function verifyHistory(
  engine: Pick<Engine, "table">,
): Promise<{ readonly checked: number; readonly faults: readonly string[] }> {
  let found = await walk(engine);
  // Somebody may have written meanwhile: what is wrong stays wrong.
  for (let attempt = 1; attempt < TRIES && found.fault !== null; attempt++) found = await walk(engine);
  return { checked: found.checked, faults: found.fault === null ? [] : [found.fault] };
}

async function walk({
  table,
}: Pick<Engine, "table">): Promise<{ readonly checked: number; readonly fault: string | null }> {
  let last: ControlRow | null = null;
  let checked = 0;
  for await (const row of eachRow(table, CONTROL, historyRows())) {
    const next: ControlRow | string = readRow(row, last);
    if (typeof next === "string") return { checked, fault: next };
    last = next;
    checked += 1;
  }
  return { checked, fault: endFault(await table.get(CONTROL, HISTORY_HEAD), last) };
}

function readRow(row: Row, before: ControlRow | null): ControlRow | string {
  const sequence = (before?.sequence ?? 0) + 1;
  const key = historyKey(sequence);
  if (row.key !== key) return `Row ${key} of the control history is missing: ${row.key} follows.`;
  let read: ControlRow;
  let computed: string;
  try {
    read = decodeControl(row);
    computed = controlHashOf(read);
  } catch {
    return `Row ${row.key} of the control history cannot be read: it was altered.`;
  }
  const { hash } = row.cells;
  const isWhole = read.sequence === sequence && read.hash === hash && computed === hash && hasOurSchema(row);
  if (!isWhole) return `Row ${row.key} of the control history was altered: its hash is another one.`;
  return read.previous === (before?.hash ?? "")
    ? read
    : `Row ${row.key} of the control history does not follow the row before it: one of the two was replaced.`;
}

function endFault(head: Row | null, last: ControlRow | null): string | null {
  if (head === null) return last === null ? null : `The row ${HISTORY_HEAD} is missing.`;
  const sequence = Number(head.cells["sequence"]);
  if (sequence > (last?.sequence ?? 0))
    return `Row ${historyKey(sequence)} of the control history is missing: ${HISTORY_HEAD} names it.`;
  const isRight = sequence === last?.sequence && head.cells["hash"] === last.hash && hasOurSchema(head);
  return isRight ? null : `The row ${HISTORY_HEAD} does not show the end of the control history.`;
}
