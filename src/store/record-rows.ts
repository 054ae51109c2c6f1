import { hashOf } from "../model/canonical-json.ts";
import type { Message } from "../model/message.ts";
import type { Plan } from "../model/plan.ts";
import type { AuditRow, Remediation } from "../model/remediation.ts";
import type { Signal } from "../model/signal.ts";
import { cellJson } from "./cell-json.ts";
import { packBytes, unpackBytes } from "./compressed-cells.ts";
import { auditRowKey, dueRowKey, planRowKey, recordRowKey } from "./row-keys.ts";
import type { Cell, Operation, Row } from "./table.ts";
import { checkSchema, SCHEMA } from "./target-row.ts";

const REMAINS_KEPT = 40;
const SENTENCE_KEPT = 300;

/** The cells of a record row: a few that people look for, and the whole record. Long lists of what remains are cut with a count. */
export function encodeRecord(record: Remediation): Record<string, Cell> {
  const text = cellJson(bounded(record));
  return {
    schema: SCHEMA,
    state: record.state,
    playbook: record.playbook,
    updatedAt: record.updatedAt,
    record: text,
  };
}

/** A sentence as a cell can hold it: cut, and without control characters, which take six times their room. */
function short(text: string): string {
  const clean = text.slice(0, SENTENCE_KEPT).replaceAll(/\p{Cc}/gu, " ");
  return text.length > SENTENCE_KEPT ? `${clean.slice(0, -1)}…` : clean;
}

function bounded(record: Remediation): Remediation {
  const kept = record.remains.slice(0, REMAINS_KEPT).map(short);
  const cut = record.remains.length - kept.length;
  return {
    ...record,
    reason: short(record.reason),
    remains: cut > 0 ? [...kept, `and ${cut} more`] : kept,
  };
}

/** The record of a stored row. */
export function decodeRecord(row: Row): Remediation {
  checkSchema(row);
  return JSON.parse(String(row.cells["record"])) as Remediation;
}

/** What a plan row keeps: the plan, if there is one yet, and in the first row the signal that began the record, with its body. */
export interface StoredPlan {
  readonly plan: Plan | null;
  readonly signal: Signal | null;
  readonly body: unknown;
}

/** Inserts plan row `number` of a record. Raises `Refused` when it is too large to be kept. */
export function insertPlan(id: string, number: number, stored: StoredPlan): Operation {
  const bytes = new TextEncoder().encode(JSON.stringify(stored));
  return {
    do: "insert",
    key: planRowKey(id, number),
    cells: { schema: SCHEMA, hash: stored.plan?.hash ?? "", ...packBytes(bytes) },
  };
}

/** The plan of a stored row. */
export function decodePlan(row: Row): StoredPlan {
  checkSchema(row);
  return JSON.parse(new TextDecoder().decode(unpackBytes(row.cells))) as StoredPlan;
}

/**
 * Hash of a record as it is stored, for its audit row: of everything but where it is due next, which a joined signal
 * moves, and the end of its history, which is made of it.
 */
export function recordSeal(record: Remediation): string {
  const {
    dueRow: _row,
    dueAt: _at,
    dueSequence: _due,
    auditSequence: _audit,
    auditHash: _hash,
    ...kept
  } = bounded(record);
  return hashOf(kept);
}

/** Hash of all that a plan row keeps, for the audit row that is written with it. */
export function planSeal(stored: StoredPlan): string {
  return hashOf(stored);
}

/** Makes an audit row: the hash covers the row and the hash of the row before. */
export function sealAudit(row: Omit<AuditRow, "hash">): AuditRow {
  const kept = { ...row, why: short(row.why) };
  return { ...kept, hash: hashOf(kept) };
}

/** Inserts an audit row. */
export function insertAudit(id: string, row: AuditRow): Operation {
  return {
    do: "insert",
    key: auditRowKey(id, row.sequence),
    cells: { schema: SCHEMA, hash: row.hash, row: cellJson(row) },
  };
}

/** The audit row of a stored row. */
export function decodeAudit(row: Row): AuditRow {
  checkSchema(row);
  return JSON.parse(String(row.cells["row"])) as AuditRow;
}

/** What a record waits on (a cluster, or nothing), and how urgent it is: 0 (critical) to 5 (no severity known). */
export interface Lane {
  readonly cluster: string;
  readonly urgency: number;
}

/** Of what tells no severity. */
export const LEAST_URGENT = 5;

/** What is due: `drive` a record, or send a message. */
export type Due =
  | { readonly kind: "drive"; readonly id: string; readonly key: string; readonly lane: Lane }
  | { readonly kind: "message"; readonly id: string; readonly key: string; readonly message: Message };

/** Inserts the drive row of a record; `lane` is for the sweep's order and its breaker. */
export function insertDrive(
  at: Date,
  id: string,
  sequence: number,
  { cluster, urgency }: Lane,
): Operation & { readonly do: "insert" } {
  return {
    do: "insert",
    key: dueRowKey(at, id, sequence),
    cells: { schema: SCHEMA, kind: "drive", id, lane: cluster, urgency },
  };
}

/** Inserts the due row of a message. */
export function insertMessage(at: Date, message: Message): Operation & { readonly do: "insert" } {
  const { remediation } = message;
  const kept = { ...message, remediation: remediation === null ? null : bounded(remediation) };
  return {
    do: "insert",
    key: dueRowKey(at, message.remediationId, message.sequence),
    cells: { schema: SCHEMA, kind: "message", id: message.remediationId, message: cellJson(kept) },
  };
}

/** The due row of a stored row. */
export function decodeDue(row: Row): Due {
  checkSchema(row);
  const id = String(row.cells["id"]);
  if (row.cells["kind"] === "drive") {
    const { lane, urgency } = row.cells;
    const known = { cluster: String(lane ?? ""), urgency: Number(urgency ?? LEAST_URGENT) };
    return { kind: "drive", id, key: row.key, lane: known };
  }
  return { kind: "message", id, key: row.key, message: JSON.parse(String(row.cells["message"])) as Message };
}

/** Inserts or replaces a record row. The target row's ETag is the lock, so a record is replaced without one of its own. */
export function writeRecord(record: Remediation, how: "insert" | "replace"): Operation {
  const key = recordRowKey(record.id);
  const cells = encodeRecord(record);
  return how === "insert" ? { do: "insert", key, cells } : { do: "replace", key, cells, etag: "*" };
}
