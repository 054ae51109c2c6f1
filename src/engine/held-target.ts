import type { Target } from "../model/target.ts";
import { shardOf, targetRowKey } from "../store/row-keys.ts";
import { RowConflict, StoreUnreachable, type Table } from "../store/table.ts";
import { decodeTargetRow, encodeTargetRow, type TargetRow, underLease } from "../store/target-row.ts";
import { type Engine, later } from "./engine.ts";
import { paceOf } from "./pace.ts";

/** A target whose lease is ours: its row as last seen, and the ETag that the next transaction needs. */
export interface HeldTarget {
  readonly hash: string;
  readonly row: TargetRow;
  readonly etag: string;
  readonly token: string;
}

/** Somebody else drives this target now; what we meant to write was not written. */
export class LeaseLost extends Error {
  constructor() {
    super("somebody else drives this target");
    this.name = "LeaseLost";
  }
}

/** The target row with its ETag, or null. */
export async function readTarget(
  table: Table,
  hash: string,
): Promise<{ readonly row: TargetRow; readonly etag: string } | null> {
  const stored = await table.get(shardOf(hash), targetRowKey(hash));
  return stored === null ? null : { row: decodeTargetRow(stored), etag: stored.etag };
}

/** Is a lease running at this moment? */
export function isLeased(row: TargetRow, now: Date): boolean {
  return row.lease !== null && new Date(row.lease.until).getTime() > now.getTime();
}

/** A new lease of a target from now on. */
export function newLease(engine: Engine, target: Target): { readonly token: string; readonly until: string } {
  const until = later(engine.clock.now(), paceOf(engine, target).leaseMs);
  return { token: engine.randomness.hex(16), until: until.toISOString() };
}

/**
 * Takes the lease of a target, or says that it is `held` by another, or `gone`. No conflict is believed: the client
 * repeats requests whose answer it lost, so the row is read again and asked whose token it shows.
 */
export async function takeLease(engine: Engine, hash: string): Promise<HeldTarget | "held" | "gone"> {
  let lease: ReturnType<typeof newLease> | null = null;
  for (let attempt = 0; attempt < 4; attempt++) {
    const seen = await readTarget(engine.table, hash);
    if (seen === null) return "gone";
    lease ??= newLease(engine, seen.row.target);
    if (seen.row.lease?.token === lease.token) return { hash, ...seen, token: lease.token };
    if (isLeased(seen.row, engine.clock.now())) return "held";
    const row = underLease(seen.row, lease);
    try {
      const etag = await replaceTarget(engine.table, hash, row, seen.etag);
      return { hash, row, etag, token: lease.token };
    } catch (error) {
      if (!(error instanceof RowConflict || error instanceof StoreUnreachable)) throw error;
    }
  }
  return "held";
}

async function replaceTarget(table: Table, hash: string, row: TargetRow, etag: string): Promise<string> {
  const key = targetRowKey(hash);
  const etags = await table.transact(shardOf(hash), [
    { do: "replace", key, cells: encodeTargetRow(row), etag },
  ]);
  return etagOf(etags, key);
}

/** The new ETag of a row that was just written. */
export function etagOf(etags: ReadonlyMap<string, string>, key: string): string {
  const etag = etags.get(key);
  if (etag === undefined) throw new TypeError(`the table returned no ETag for ${key}`);
  return etag;
}

/** Lets a lease go without another change, also where somebody joined meanwhile; if that does not succeed it runs out by itself. */
export async function dropLease(engine: Engine, held: HeldTarget): Promise<void> {
  let { row, etag } = held;
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      await replaceTarget(engine.table, held.hash, { ...row, lease: null }, etag);
      return;
    } catch (error) {
      if (error instanceof StoreUnreachable) return;
      if (!(error instanceof RowConflict)) throw error;
    }
    const seen = await readTarget(engine.table, held.hash);
    if (seen?.row.lease?.token !== held.token) return;
    ({ row, etag } = seen);
  }
}
