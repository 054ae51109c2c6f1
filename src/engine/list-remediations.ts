import type { Plan } from "../model/plan.ts";
import { type AuditRow, isOpen, type Remediation, type State } from "../model/remediation.ts";
import { type Target, targetKey } from "../model/target.ts";
import { decodeAudit, decodeDue, decodePlan, decodeRecord } from "../store/record-rows.ts";
import {
  dueRows,
  isRemediationId,
  planRowKey,
  recordRowKey,
  recordRows,
  rowsOf,
  SHARDS,
  shardOf,
  signalRowsOf,
  targetHash,
} from "../store/row-keys.ts";
import type { Range, Table } from "../store/table.ts";
import { NewerSchema } from "../store/target-row.ts";
import { eachRow } from "./each-row.ts";
import { readTarget } from "./held-target.ts";

/** What to list. All that is given must hold. Times bound the creation of the record. */
export interface ListQuery {
  readonly states?: readonly State[] | undefined;
  readonly target?: Target | undefined;
  /** Alert or assessment id. */
  readonly signal?: string | undefined;
  readonly playbook?: string | undefined;
  readonly rule?: string | undefined;
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
  /** Anything else that must hold, such as what the reader may see. */
  readonly where?: ((record: Remediation) => boolean) | undefined;
  readonly limit: number;
  /** Where the page before ended: the id of its last record. */
  readonly after?: string | undefined;
}

/** One page, newest first; `next` is the `after` of the next page. */
export interface ListPage {
  readonly remediations: readonly Remediation[];
  readonly next: string | null;
}

const FIRST_PAGE = 50;
const LONGEST_PAGE = 1_000;
/** Point reads at a time. */
const TOGETHER = 64;

/**
 * Lists remediations, newest first. What is open is found through the due rows, however many are closed; all else by
 * merging one range of each shard by time. Raises `StoreUnreachable`.
 */
export async function listRemediations(table: Table, query: ListQuery): Promise<ListPage> {
  const { states, target, limit } = query;
  const onlyOpen = states !== undefined && states.length > 0 && states.every((state) => isOpen(state));
  const found =
    target !== undefined
      ? await readRecords(table, await idsOfTarget(table, target), query)
      : onlyOpen
        ? await readRecords(table, await idsOfOpen(table), query)
        : await listAll(table, query);
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return { remediations: page, next: found.length > limit && last !== undefined ? last.id : null };
}

/** The ids that the target's own row and its signals' rows name, and those of the row beside it. */
async function idsOfTarget(table: Table, target: Target): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  for (const hash of [targetHash(target), targetHash(target, true)]) {
    for (const { id } of Object.values((await readTarget(table, hash))?.row.entries ?? {})) ids.add(id);
    for await (const row of eachRow(table, shardOf(hash), signalRowsOf(hash)))
      ids.add(String(row.cells["id"]));
  }
  return ids;
}

/** Everything that has a drive row is open. */
async function idsOfOpen(table: Table): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  await Promise.all(
    SHARDS.map(async (shard) => {
      for await (const row of eachRow(table, shard, dueRows())) {
        const due = orNewer(() => decodeDue(row));
        if (due?.kind === "drive") ids.add(due.id);
      }
    }),
  );
  return ids;
}

/** Reads records by id, newest first, only until there is one more than the page holds. */
async function readRecords(
  table: Table,
  ids: ReadonlySet<string>,
  query: ListQuery,
): Promise<readonly Remediation[]> {
  const wanted = [...ids]
    .filter((id) => isAsked(id, query))
    .sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1));
  const found: Remediation[] = [];
  for (let start = 0; start < wanted.length && found.length <= query.limit; start += TOGETHER) {
    const some = wanted.slice(start, start + TOGETHER);
    const rows = await Promise.all(some.map((id) => table.get(shardOf(id), recordRowKey(id))));
    for (const row of rows) {
      const record = row === null ? null : orNewer(() => decodeRecord(row));
      if (record !== null && matches(record, query)) found.push(record);
    }
  }
  return found;
}

async function listAll(table: Table, query: ListQuery): Promise<readonly Remediation[]> {
  const cursors = await Promise.all(SHARDS.map((shard) => Cursor.open(table, shard, query)));
  const found: Remediation[] = [];
  while (found.length <= query.limit) {
    let newest: Cursor | null = null;
    for (const cursor of cursors) {
      if (cursor.head !== null && (newest?.head == null || orderOf(cursor.head.id) < orderOf(newest.head.id)))
        newest = cursor;
    }
    if (newest === null || newest.head === null) break;
    if (matches(newest.head, query)) found.push(newest.head);
    await newest.advance();
  }
  return found;
}

/** The newest record of one shard that has not been taken yet, reading a page when the last one is used up. */
class Cursor {
  head: Remediation | null = null;
  #rows: Remediation[] = [];
  #from: string | undefined;
  /** Grows: who comes back for more looks for something rare. */
  #limit = FIRST_PAGE;
  readonly #to: string;
  readonly #table: Table;
  readonly #shard: string;

  static async open(table: Table, shard: string, query: ListQuery): Promise<Cursor> {
    const { from, to } = createdIn(shard, query);
    const start = query.after === undefined ? from : later(from, keyBehind(shard, query.after));
    const cursor = new Cursor(table, shard, start, to);
    await cursor.advance();
    return cursor;
  }

  private constructor(table: Table, shard: string, from: string, to: string) {
    this.#table = table;
    this.#shard = shard;
    this.#from = from < to ? from : undefined;
    this.#to = to;
  }

  async advance(): Promise<void> {
    while (this.#rows.length === 0 && this.#from !== undefined) {
      const page = await this.#table.range(this.#shard, { from: this.#from, to: this.#to }, this.#limit);
      this.#rows = page.rows.flatMap((row) => orNewer(() => decodeRecord(row)) ?? []);
      this.#from = page.next;
      this.#limit = Math.min(LONGEST_PAGE, this.#limit * 2);
    }
    this.head = this.#rows.shift() ?? null;
  }
}

/** Ids in the order of a list: inverted time and suffix, then shard. */
function orderOf(id: string): string {
  return id.slice(1) + shardOf(id);
}

/** Where a shard goes on behind a record of any shard. */
function keyBehind(shard: string, after: string): string {
  const key = recordRowKey(shard + after.slice(1));
  return shard <= shardOf(after) ? `${key}~` : key;
}

function later(first: string, second: string): string {
  return first > second ? first : second;
}

/** The record rows of a shard created in the time asked for. Row keys hold no time before 1970: nothing is as old. */
function createdIn(shard: string, { from, to }: ListQuery): Range {
  return recordRows(shard, {
    from: from !== undefined && from.getTime() > 0 ? from : undefined,
    to: to === undefined ? undefined : new Date(Math.max(1, to.getTime())),
  });
}

/** Is the id one of the time asked for, and behind the page before? */
function isAsked(id: string, query: ListQuery): boolean {
  const { from, to } = createdIn(shardOf(id), query);
  const key = recordRowKey(id);
  return key >= from && key < to && (query.after === undefined || orderOf(id) > orderOf(query.after));
}

function matches(record: Remediation, { states, target, signal, playbook, rule, where }: ListQuery): boolean {
  return (
    (states === undefined || states.length === 0 || states.includes(record.state)) &&
    (target === undefined || targetKey(record.target) === targetKey(target)) &&
    (signal === undefined || record.signal.id.toLowerCase() === signal.toLowerCase()) &&
    (playbook === undefined || record.playbook === playbook) &&
    (rule === undefined || record.rule.name === rule) &&
    (where === undefined || where(record))
  );
}

/** What a newer version wrote is left out: it lists it. */
function orNewer<T>(decode: () => T): T | null {
  try {
    return decode();
  } catch (error) {
    if (error instanceof NewerSchema) return null;
    throw error;
  }
}

/** One remediation with its history and present plan; null where there is none of that id. */
export async function showRemediation(
  table: Table,
  id: string,
): Promise<{
  readonly remediation: Remediation;
  readonly history: readonly AuditRow[];
  readonly plan: Plan | null;
} | null> {
  if (!isRemediationId(id)) return null;
  const shard = shardOf(id);
  const row = await table.get(shard, recordRowKey(id));
  if (row === null) return null;
  const remediation = decodeRecord(row);
  const history: AuditRow[] = [];
  for await (const audit of eachRow(table, shard, rowsOf("a", id))) history.push(decodeAudit(audit));
  const stored = await table.get(shard, planRowKey(id, remediation.planNumber ?? 0));
  return { remediation, history, plan: stored === null ? null : decodePlan(stored).plan };
}
