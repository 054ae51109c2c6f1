import { createdAtOf, SHARDS } from "../store/row-keys.ts";
import { type RemediationRows, remediationFault } from "./audit-faults.ts";
import { type Root, removableBefore } from "./audit-roots.ts";
import { remediationRows, rowsOfRemediation } from "./audit-walk.ts";
import { type Engine, later } from "./engine.ts";
import { verifyHeads } from "./verify-heads.ts";
import { verifyHistory } from "./verify-history.ts";
import { verifyRoots } from "./verify-roots.ts";

/** What to verify. */
export interface VerifyQuery {
  /** Where the page before ended; null: from the start. */
  readonly after: string | null;
  /** Hash of a daily root that was kept elsewhere, to be found among the roots. */
  readonly root: string | null;
}

/** One page of a verification: what was looked at, what is wrong (first things first), and where to go on. */
export interface VerifyPage {
  readonly checked: {
    readonly roots: number;
    readonly heads: number;
    readonly remediations: number;
    readonly notes: number;
  };
  readonly faults: readonly string[];
  /** Null: that was all. */
  readonly next: string | null;
}

type Step = Omit<VerifyPage, "checked"> & { readonly checked: Partial<VerifyPage["checked"]> };

const PAGE_MS = 8_000;
const REMEDIATIONS = 2_000;
const MOST_FAULTS = 20;
const TRIES = 4;
const CURSOR = /^(?:heads\.(\d{1,8})\.(\d{1,4})|records\.([0-9a-f])\.([^\p{Cc}\p{Cs}]{0,200})|history)$/u;

/** Is this text the `next` of a page? */
export function isVerifyCursor(text: string): boolean {
  return CURSOR.test(text);
}

/**
 * Verifies the audit, page by page: the chain of daily roots, then every history that they name, then every remediation
 * with its rows, then the control history. Changes nothing. Raises `StoreUnreachable`.
 */
export async function auditVerify(engine: Engine, query: VerifyQuery): Promise<VerifyPage> {
  const until = later(engine.clock.now(), PAGE_MS);
  const { roots, faults: ofRoots } = await verifyRoots(engine, query.root);
  const checked = { roots: 0, heads: 0, remediations: 0, notes: 0 };
  const faults: string[] = [];
  let next: string | null = query.after;
  if (next === null) {
    checked.roots = roots.length;
    faults.push(...ofRoots.slice(0, MOST_FAULTS));
    next = "heads.1.0";
  }
  do {
    const step: Step = await stepOf(engine, roots, next, until);
    faults.push(...step.faults);
    for (const name of ["heads", "remediations", "notes"] as const) checked[name] += step.checked[name] ?? 0;
    next = step.next;
  } while (
    next !== null &&
    faults.length < MOST_FAULTS &&
    checked.remediations < REMEDIATIONS &&
    engine.clock.now() < until
  );
  return { checked, faults, next };
}

async function stepOf(engine: Engine, roots: readonly Root[], cursor: string, until: Date): Promise<Step> {
  const [, number, list, shard, id = ""] = CURSOR.exec(cursor) ?? [];
  if (number !== undefined) return headsStep(engine, roots, Number(number), Number(list));
  if (shard !== undefined) return recordsStep(engine, roots, shard, id, until);
  const { checked, faults } = await verifyHistory(engine);
  return { checked: { notes: checked }, faults, next: null };
}

async function headsStep(
  engine: Engine,
  roots: readonly Root[],
  number: number,
  place: number,
): Promise<Step> {
  const root = roots.find((one) => one.number === number);
  const list = root?.lists[place];
  if (root === undefined || list === undefined) {
    const next = roots.some((one) => one.number > number) ? `heads.${number + 1}.0` : `records.${SHARDS[0]}.`;
    return { checked: {}, faults: [], next };
  }
  const { checked, faults } = await verifyHeads(engine, roots, root, list);
  return { checked: { heads: checked }, faults, next: `heads.${number}.${place + 1}` };
}

async function recordsStep(
  engine: Engine,
  roots: readonly Root[],
  shard: string,
  behind: string,
  until: Date,
): Promise<Step> {
  const { auditRetentionMs } = engine.configuration;
  const removable = removableBefore(roots, engine.clock.now(), auditRetentionMs);
  const faults: string[] = [];
  let checked = 0;
  for await (const rows of remediationRows(engine.table, shard, behind)) {
    checked += 1;
    const fault = await lastingFault(engine, shard, rows, removable);
    if (fault !== null) faults.push(fault);
    const isFull = checked >= REMEDIATIONS || faults.length >= MOST_FAULTS || engine.clock.now() >= until;
    if (isFull) return { checked: { remediations: checked }, faults, next: `records.${shard}.${rows.id}` };
  }
  const following = SHARDS[SHARDS.indexOf(shard) + 1];
  const next = following === undefined ? "history" : `records.${following}.`;
  return { checked: { remediations: checked }, faults, next };
}

/** A fault that is still there when the rows are read at one moment: a remediation may have moved on between two reads. */
async function lastingFault(
  engine: Engine,
  shard: string,
  found: RemediationRows,
  removable: Date | null,
): Promise<string | null> {
  let rows = found;
  let fault = faultOf(rows, removable);
  for (let attempt = 0; attempt < TRIES && fault !== null; attempt++) {
    const before = rows;
    rows = await rowsOfRemediation(engine.table, shard, found.id);
    fault = faultOf(rows, removable);
    if (before !== found && isSame(before, rows)) return fault;
  }
  return fault;
}

function faultOf(rows: RemediationRows, removable: Date | null): string | null {
  const { id, record, tombstone, audit, plans } = rows;
  // Removed whole since it was found.
  if (record === null && tombstone === null && audit.length + plans.length === 0) return null;
  const isBeingRemoved =
    tombstone?.cells["removing"] === true &&
    record === null &&
    removable !== null &&
    createdAtOf(id) < removable;
  return isBeingRemoved ? null : remediationFault(rows);
}

function isSame(one: RemediationRows, other: RemediationRows): boolean {
  return (
    one.record?.etag === other.record?.etag &&
    one.tombstone?.etag === other.tombstone?.etag &&
    one.audit.length === other.audit.length &&
    one.plans.length === other.plans.length
  );
}
