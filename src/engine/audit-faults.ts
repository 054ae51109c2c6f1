import { hashOf } from "../model/canonical-json.ts";
import { planHashOf } from "../model/plan.ts";
import { type AuditRow, isOpen, type Remediation } from "../model/remediation.ts";
import {
  decodeAudit,
  decodePlan,
  decodeRecord,
  encodeRecord,
  planSeal,
  recordSeal,
} from "../store/record-rows.ts";
import { auditRowKey, dueRowKey, planRowKey } from "../store/row-keys.ts";
import type { Row } from "../store/table.ts";
import { NewerSchema } from "../store/target-row.ts";
import { hasOurSchema } from "./our-schema.ts";

/** The kind of the last row of a history whose record was removed by age. */
export const RETIRED = "retired";

/** What stands in the table of one remediation. */
export interface RemediationRows {
  readonly id: string;
  readonly record: Row | null;
  readonly tombstone: Row | null;
  readonly audit: readonly Row[];
  readonly plans: readonly Row[];
}

/** Something of a row is not as it was written; the message is the sentence for people. */
class Altered extends Error {}

/**
 * The first thing about a remediation that is altered or missing, as a sentence that names the row; null where its
 * record, plans and history fit together. Pure; says nothing about whole remediations that are missing.
 */
export function remediationFault(rows: RemediationRows): string | null {
  try {
    const history = historyOf(rows);
    const last = history.at(-1);
    if (last === undefined) throw new Altered(withoutHistory(rows));
    checkEnd(rows, last);
    checkPlans(rows, history);
    return null;
  } catch (error) {
    if (error instanceof Altered) return error.message;
    if (error instanceof NewerSchema)
      return `${error.message.replace("and is left alone", "and was not checked")}: verify with that version.`;
    // Whatever else is raised here is raised by what the rows hold.
    return `The rows of remediation ${rows.id} cannot be read: one of them was altered.`;
  }
}

function withoutHistory({ id, record }: RemediationRows): string {
  return record === null
    ? `Of remediation ${id} only leftovers are there: record and history are missing.`
    : `Remediation ${id} has a record and no history: its audit rows are missing.`;
}

function historyOf({ id, audit }: RemediationRows): readonly AuditRow[] {
  const history: AuditRow[] = [];
  for (const row of audit) {
    const before = history.at(-1);
    const sequence = (before?.sequence ?? 0) + 1;
    if (row.key !== auditRowKey(id, sequence))
      throw new Altered(`Audit row ${auditRowKey(id, sequence)} is missing: ${row.key} follows.`);
    history.push(auditOf(id, row, before));
  }
  return history;
}

function auditOf(id: string, row: Row, before: AuditRow | undefined): AuditRow {
  const audit = read(row, decodeAudit);
  const { hash, ...sealed } = audit;
  const isWhole = row.cells["hash"] === hash && hashOf(sealed) === hash && hasOnly(row, ["hash", "row"]);
  if (!isWhole) throw new Altered(`Audit row ${row.key} was altered: its hash is another one.`);
  if (audit.previous !== (before?.hash ?? "") || audit.sequence !== (before?.sequence ?? 0) + 1)
    throw new Altered(`Audit row ${row.key} does not follow the row before it: one of the two was replaced.`);
  if (audit.before !== (before?.after ?? null))
    throw new Altered(`Audit row ${row.key} begins in another state than the row before it ended.`);
  if (before === undefined && audit.details["id"] !== id)
    throw new Altered(`Audit row ${row.key} is the history of another remediation.`);
  return audit;
}

/** The end of the history is what the record, or what is left of it, shows. */
function checkEnd({ id, record, tombstone }: RemediationRows, last: AuditRow): void {
  if (record === null && tombstone === null)
    throw new Altered(`The record row r!${id} is missing; its history is there.`);
  if (tombstone !== null) {
    const { sequence, hash, endedAt } = tombstone.cells;
    const isWhole =
      last.what === RETIRED &&
      sequence === last.sequence &&
      hash === last.hash &&
      endedAt === last.details["endedAt"] &&
      hasOnly(tombstone, ["sequence", "hash", "endedAt", "removing"]);
    if (!isWhole) throw new Altered(`The row ${tombstone.key} does not show the end of its history.`);
  } else if (last.what === RETIRED) {
    throw new Altered(`The row x!${id} is missing: the history says that the record was removed by age.`);
  }
  if (record !== null) checkRecord(id, record, last);
}

function checkRecord(id: string, row: Row, last: AuditRow): void {
  const { record, seal, written } = read(row, (one) => {
    const decoded = decodeRecord(one);
    return { record: decoded, seal: recordSeal(decoded), written: encodeRecord(decoded) };
  });
  if (record.auditSequence > last.sequence)
    throw new Altered(`Audit row ${auditRowKey(id, last.sequence + 1)} is missing: the record names it.`);
  if (record.auditSequence !== last.sequence || record.auditHash !== last.hash)
    throw new Altered(`The record row ${row.key} does not name the last row of its history.`);
  const { state, playbook, updatedAt } = written;
  const { cells } = row;
  const isWhole =
    record.id === id &&
    record.state === last.after &&
    cells["state"] === state &&
    cells["playbook"] === playbook &&
    cells["updatedAt"] === updatedAt &&
    seal === last.details["record"] &&
    hasOnly(row, ["state", "playbook", "updatedAt", "record"]);
  if (!isWhole) throw new Altered(`The record row ${row.key} was altered: its history sealed another one.`);
  if (!isDueRight(record))
    throw new Altered(`The record row ${row.key} was altered in what it says of when it is due.`);
}

/** What is due next is not sealed, since a joined signal moves it; it must fit together all the same. */
function isDueRight({ id, state, dueRow, dueAt, dueSequence }: Remediation): boolean {
  if (dueRow === null || dueAt === null) return dueRow === dueAt && !isOpen(state);
  const sequence = Number(dueRow.slice(dueRow.lastIndexOf("!") + 1));
  const at = new Date(dueAt);
  return (
    isOpen(state) &&
    !Number.isNaN(at.getTime()) &&
    dueRow === dueRowKey(at, id, sequence) &&
    sequence <= dueSequence
  );
}

/** Every plan that the history stored is there as it was stored, and no other one; none where the record has gone. */
function checkPlans({ id, record, tombstone, plans }: RemediationRows, history: readonly AuditRow[]): void {
  const stored = new Map<string, { readonly seal: unknown; readonly planHash: unknown }>();
  for (const { details } of history) {
    const plan = planOf(details);
    if (plan !== null)
      stored.set(planRowKey(id, plan.number), { seal: plan.seal, planHash: details["planHash"] });
  }
  for (const row of plans) {
    const sealed = stored.get(row.key);
    if (sealed === undefined || (record === null && tombstone !== null))
      throw new Altered(`The plan row ${row.key} is none that the history of its remediation stored.`);
    checkPlan(id, row, sealed);
    stored.delete(row.key);
  }
  const [missing] = stored.keys();
  // By age plans go before the record does.
  if (missing !== undefined && tombstone === null) throw new Altered(`The plan row ${missing} is missing.`);
}

function checkPlan(
  id: string,
  row: Row,
  sealed: { readonly seal: unknown; readonly planHash: unknown },
): void {
  const kept = read(row, decodePlan);
  const { plan } = kept;
  const isWhole =
    planSeal(kept) === sealed.seal && row.cells["hash"] === (plan?.hash ?? "") && hasOurSchema(row);
  if (!isWhole) throw new Altered(`The plan row ${row.key} was altered: its history sealed another one.`);
  if (plan === null) return;
  if (plan.remediationId !== id || planHashOf(plan) !== plan.hash || plan.hash !== sealed.planHash)
    throw new Altered(`The plan in row ${row.key} does not have the hash that its history names.`);
}

function planOf(details: AuditRow["details"]): { readonly number: number; readonly seal: unknown } | null {
  const plan = details["plan"];
  if (typeof plan !== "object" || plan === null) return null;
  return { number: Number(Reflect.get(plan, "number")), seal: Reflect.get(plan, "seal") };
}

/** Exactly the cells that we write, since another could mislead a reader of the table. */
function hasOnly(row: Row, names: readonly string[]): boolean {
  const all = Object.keys(row.cells);
  return hasOurSchema(row) && all.every((name) => name === "schema" || names.includes(name));
}

/** What a row holds; one that cannot be read was altered. Raises `NewerSchema`. */
function read<T>(row: Row, decode: (row: Row) => T): T {
  try {
    return decode(row);
  } catch (error) {
    if (error instanceof NewerSchema) throw error;
    throw new Altered(`The row ${row.key} cannot be read: it was altered.`);
  }
}
