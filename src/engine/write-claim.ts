import { Refused } from "../model/errors.ts";
import { auditRowKey, shardOf, targetRowKey } from "../store/row-keys.ts";
import { type Operation, RowConflict, StoreUnreachable } from "../store/table.ts";
import { encodeTargetRow, type Lease, type TargetRow } from "../store/target-row.ts";
import { type Claim, type ClaimContext, composeClaim, type Work } from "./claim.ts";
import type { Engine } from "./engine.ts";
import { etagOf, type HeldTarget, readTarget } from "./held-target.ts";
import type { Prepared } from "./prepare.ts";

/** A plan too large to be kept is refused: what cannot be kept cannot be reverted. */
export function claimThatFits(
  engine: Engine,
  work: Work,
  id: string,
  prepared: Prepared | null,
  context: ClaimContext,
): Claim {
  try {
    return composeClaim(engine, work, id, prepared, context);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const [first, ...rest] = work.signals;
    const lean: Work = { ...work, signals: [{ ...first, body: null }, ...rest] };
    const refused: Prepared = {
      state: "refused",
      mode: work.mode,
      reason: `${error.message}. ${error.advice}`,
      identity: prepared?.identity ?? null,
      plan: null,
      proof: null,
    };
    return composeClaim(engine, lean, id, prepared?.plan ? refused : prepared, context);
  }
}

/**
 * Writes a claim with its target row; the row as it is then, or null when the table refused and it was not us. No
 * refusal is believed: my audit row tells whether it was me. Then others may have joined since, or even have taken
 * the lease, so the row is the one that was read.
 */
export async function writeClaim(
  engine: Engine,
  hash: string,
  id: string,
  claim: Claim,
  how: { readonly do: "insert" } | { readonly do: "replace"; readonly etag: string },
  row: TargetRow,
): Promise<{ readonly row: TargetRow; readonly etag: string } | null> {
  const key = targetRowKey(hash);
  const target: Operation = { ...how, key, cells: encodeTargetRow(row) };
  try {
    const etags = await engine.table.transact(shardOf(hash), [target, ...claim.operations]);
    return { row, etag: etagOf(etags, key) };
  } catch (error) {
    if (!(error instanceof RowConflict || error instanceof StoreUnreachable)) throw error;
    const audit = await engine.table.get(shardOf(hash), auditRowKey(id, 1));
    if (audit === null) {
      if (error instanceof StoreUnreachable) throw error;
      return null;
    }
    return readTarget(engine.table, hash);
  }
}

/** The target as held by the lease of a claim; null where somebody else has taken it since. */
export function heldBy(
  lease: Lease | null,
  hash: string,
  written: { readonly row: TargetRow; readonly etag: string },
): HeldTarget | null {
  const isOurs = lease !== null && written.row.lease?.token === lease.token;
  return isOurs ? { hash, ...written, token: lease.token } : null;
}
