import { z } from "zod";
import { type Target, targetSchema } from "../model/target.ts";
import { decodeAudit } from "../store/record-rows.ts";
import { auditRowKey, CONTROL, recordRows, SHARDS } from "../store/row-keys.ts";
import type { Page, Row, Table } from "../store/table.ts";
import { type ControlRow, decodeControl, historyRows } from "./control-history.ts";
import { type Engine, later } from "./engine.ts";

/** One row of history as it is handed out: of a remediation, or of the control history. */
export interface ExportRow {
  readonly kind: "remediation" | "control";
  /** Id of the remediation; empty for the control history. */
  readonly id: string;
  readonly sequence: number;
  readonly at: string;
  readonly who: string;
  readonly what: string;
  readonly why: string;
  readonly before: string | null;
  readonly after: string | null;
  readonly rule: string | null;
  readonly playbook: string | null;
  readonly target: Target | null;
  readonly details: Readonly<Record<string, unknown>>;
  readonly previous: string;
  readonly hash: string;
}

/** What to export: rows written in `[from, to)`, and which of them its reader may see. */
export interface ExportQuery {
  readonly from: Date | null;
  readonly to: Date | null;
  /** Where the page before ended; null: from the start. */
  readonly after: string | null;
  /** Rows of a page, at most. */
  readonly limit: number;
  /** May the reader see what was done to the target? Null: it cannot be told what it was. */
  readonly sees: (target: Target | null) => boolean;
  /** May the reader see the control history? */
  readonly seesControl: boolean;
}

/** One page; `next` is the `after` of the next page, and a page before it may be empty. */
export interface ExportPage {
  readonly rows: readonly ExportRow[];
  readonly next: string | null;
}

const PAGE_MS = 8_000;
const READ = 500;
const CURSOR = /^(?:([0-9a-f])\.(a![^\p{Cc}\p{Cs}]{1,200})?|control\.(\d{1,12}))$/u;

/** What a row needs to be handed out; one without it was altered. */
const rowSchema = z.looseObject({
  at: z.string(),
  who: z.string(),
  what: z.string(),
  why: z.string(),
  details: z.record(z.string(), z.unknown()),
});

/** Is this text the `next` of a page? */
export function isExportCursor(text: string): boolean {
  return CURSOR.test(text);
}

/** Every row of every history, remediation by remediation, then the control history; page by page. Raises `StoreUnreachable`. */
export async function auditExport(engine: Engine, query: ExportQuery): Promise<ExportPage> {
  const until = later(engine.clock.now(), PAGE_MS);
  const rows: ExportRow[] = [];
  let next: string | null = query.after ?? `${SHARDS[0]}.`;
  while (next !== null && rows.length < query.limit) {
    const step = await stepOf(engine.table, { ...query, limit: query.limit - rows.length }, next);
    rows.push(...step.rows);
    next = step.next;
    if (engine.clock.now() >= until) break;
  }
  return { rows, next };
}

async function stepOf(table: Table, query: ExportQuery, cursor: string): Promise<ExportPage> {
  const [, shard, key, sequence] = CURSOR.exec(cursor) ?? [];
  if (shard !== undefined) return ofShard(table, query, shard, key);
  return query.seesControl ? ofControl(table, query, Number(sequence)) : { rows: [], next: null };
}

/** What the first row of a history says of all of it. */
type About = Pick<ExportRow, "id" | "rule" | "playbook" | "target">;

async function ofShard(
  table: Table,
  query: ExportQuery,
  shard: string,
  behind: string | undefined,
): Promise<ExportPage> {
  // What was begun later has no row that is as old.
  const newest =
    query.to === null ? "a!" : `a!${recordRows(shard, { to: query.to }).from.slice("r!".length)}`;
  const from = behind === undefined ? newest : `${behind}~`;
  const page: Page = await table.range(shard, { from, to: "a!~" }, READ);
  const rows: ExportRow[] = [];
  let about: About | null = null;
  for (const row of page.rows) {
    const id = row.key.split("!")[1] ?? "";
    if (about?.id !== id) about = aboutOf(id, await firstOf(table, shard, id, row));
    const exported = exportedOf(row, about);
    if (isIn(query, exported.at) && query.sees(about.target)) rows.push(exported);
    if (rows.length === query.limit) return { rows, next: `${shard}.${row.key}` };
  }
  const last = page.rows.at(-1);
  if (page.next !== undefined && last !== undefined) return { rows, next: `${shard}.${last.key}` };
  const following = SHARDS[SHARDS.indexOf(shard) + 1];
  return { rows, next: following === undefined ? "control.0" : `${following}.` };
}

/** The first row of the history that a row belongs to. */
async function firstOf(table: Table, shard: string, id: string, row: Row): Promise<Row | null> {
  const key = auditRowKey(id, 1);
  return row.key === key ? row : table.get(shard, key);
}

function aboutOf(id: string, first: Row | null): About {
  const details = first === null ? {} : (auditOrNull(first)?.details ?? {});
  const target = targetSchema.safeParse(details["target"]);
  return {
    id,
    rule: textOrNull(details["rule"]),
    playbook: textOrNull(details["playbook"]),
    target: target.success ? target.data : null,
  };
}

function textOrNull(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

/** A row that was altered, or that a newer version wrote, is handed out as far as its key tells: the export has no holes. */
function exportedOf(row: Row, about: About): ExportRow {
  const audit = auditOrNull(row);
  const unread = {
    sequence: Number(row.key.split("!")[2]),
    at: "",
    who: "",
    what: "unreadable",
    why: "This version cannot read the row; `reflex audit verify` tells more.",
    before: null,
    after: null,
    details: {},
    previous: "",
    hash: String(row.cells["hash"] ?? ""),
  };
  return { kind: "remediation", ...about, ...(audit ?? unread) };
}

function auditOrNull(row: Row): ReturnType<typeof decodeAudit> | null {
  try {
    const audit = decodeAudit(row);
    return rowSchema.safeParse(audit).success ? audit : null;
  } catch {
    return null;
  }
}

async function ofControl(table: Table, query: ExportQuery, behind: number): Promise<ExportPage> {
  const page = await table.range(CONTROL, historyRows(behind), Math.min(READ, query.limit));
  const rows = page.rows.flatMap((row) => {
    const read = controlOrNull(row);
    return read !== null && isIn(query, read.at) ? [exportedNote(read)] : [];
  });
  const last = page.rows.at(-1);
  const isMore = page.next !== undefined && last !== undefined;
  return { rows, next: isMore ? `control.${Number(last.key.slice("history-".length))}` : null };
}

function controlOrNull(row: Row): ControlRow | null {
  try {
    const note = decodeControl(row);
    return rowSchema.safeParse(note).success ? note : null;
  } catch {
    return null;
  }
}

function exportedNote({ token: _token, id, details, ...note }: ControlRow): ExportRow {
  const none = { before: null, after: null, rule: null, playbook: null, target: null };
  return { kind: "control", ...note, ...none, id: "", details: id === "" ? details : { by: id, ...details } };
}

function isIn({ from, to }: ExportQuery, at: string): boolean {
  if (at === "") return true;
  const time = new Date(at);
  return (from === null || time >= from) && (to === null || time < to);
}
