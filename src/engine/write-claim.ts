import { Refused, sentence } from "../model/errors.ts";
import { shardOf, targetRowKey } from "../store/row-keys.ts";
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
      reason: sentence(error),
      identity: prepared?.identity ?? null,
      plan: null,
      proof: null,
    };
    return composeClaim(engine, lean, id, prepared?.plan ? refused : prepared, context);
  }
}

/** A target row as it stands in the table. */
export interface SeenTarget {
  readonly row: TargetRow;
  readonly etag: string;
}

/**
 * Writes a claim with its target row: `written`, the row as it is then, or `found`, what stood there when the table
 * refused and it was not us. No refusal is believed: the target row shows whether the claim is mine. Then others may
 * have joined since, or even have taken the lease, so the row is the one that was read.
 */
export async function writeClaim(
  engine: Engine,
  hash: string,
  claim: Claim,
  how: { readonly do: "insert" } | { readonly do: "replace"; readonly etag: string },
  row: TargetRow,
): Promise<{ readonly written: SeenTarget } | { readonly found: SeenTarget | null }> {
  const key = targetRowKey(hash);
  const target: Operation = { ...how, key, cells: encodeTargetRow(row) };
  try {
    const etags = await engine.table.transact(shardOf(hash), [target, ...claim.operations]);
    return { written: { row, etag: etagOf(etags, key) } };
  } catch (error) {
    if (!(error instanceof RowConflict || error instanceof StoreUnreachable)) throw error;
    const found = await readTarget(engine.table, hash);
    const { id, playbook } = claim.record;
    if (found?.row.entries[playbook]?.id === id) return { written: found };
    if (error instanceof StoreUnreachable) throw error;
    return { found };
  }
}

/** The target as held by the lease of a claim; null where somebody else has taken it since. */
export function heldBy(lease: Lease | null, hash: string, written: SeenTarget): HeldTarget | null {
  const isOurs = lease !== null && written.row.lease?.token === lease.token;
  return isOurs ? { hash, ...written, token: lease.token } : null;
}
