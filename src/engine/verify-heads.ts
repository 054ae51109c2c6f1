import { auditRowKey, CONTROL, createdAtOf, isRemediationId, shardOf } from "../store/row-keys.ts";
import type { Row, Table } from "../store/table.ts";
import { decodeHeads, type Head, headsHashOf, headsKey } from "./audit-heads.ts";
import { type Root, removableBefore, rootKey } from "./audit-roots.ts";
import type { Engine } from "./engine.ts";
import { inParallel } from "./in-parallel.ts";
import { hasOurSchema } from "./our-schema.ts";
import { removedHead } from "./removed-heads.ts";

const LANES = 32;

/** What was found in one list of heads. */
export interface VerifiedHeads {
  readonly checked: number;
  readonly faults: readonly string[];
}

/**
 * Looks whether every history that a list of a root names is still there and goes through the head of that day, or was
 * removed by age, as a later root says. Raises `StoreUnreachable`.
 */
export async function verifyHeads(
  engine: Engine,
  roots: readonly Root[],
  root: Root,
  list: string,
): Promise<VerifiedHeads> {
  const { table, clock, configuration } = engine;
  const removable = removableBefore(roots, clock.now(), configuration.auditRetentionMs);
  const row = await table.get(CONTROL, headsKey(root.number, list));
  if (row === null) {
    const isByAge = removable !== null && new Date(root.at) < removable;
    const sentence = `A list of the histories that ${rootKey(root.number)} covers is missing (heads row ${list}).`;
    return { checked: 0, faults: isByAge ? [] : [sentence] };
  }
  const heads = headsOrNull(row);
  if (heads === null || headsHashOf(heads) !== list || !hasOurSchema(row))
    return { checked: 0, faults: [`The row ${row.key} was altered: its hash is another one.`] };
  const faults = new Map<number, string>();
  await inParallel(LANES, [...heads.entries()], async ([place, head]) => {
    const fault = await faultOf(table, roots, root, head, removable);
    if (fault !== null) faults.set(place, fault);
  });
  const inOrder = [...faults].sort(([a], [b]) => a - b).map(([, fault]) => fault);
  return { checked: heads.length, faults: inOrder };
}

function headsOrNull(row: Row): readonly Head[] | null {
  try {
    return decodeHeads(row);
  } catch {
    return null;
  }
}

async function faultOf(
  table: Table,
  roots: readonly Root[],
  root: Root,
  head: Head,
  removable: Date | null,
): Promise<string | null> {
  const { id, sequence, hash, removed } = head;
  if (!isRemediationId(id)) return `${rootKey(root.number)} names ${id}, which is no remediation.`;
  const mayBeGone = removable !== null && createdAtOf(id) < removable;
  if (removed) {
    return mayBeGone
      ? null
      : `The history of remediation ${id} was removed before its time (${rootKey(root.number)} of ${root.at}).`;
  }
  // A row of a newer version, of which this one knows no history.
  if (sequence === 0) return null;
  const key = auditRowKey(id, sequence);
  const row = await table.get(shardOf(id), key);
  if (row !== null) {
    return row.cells["hash"] === hash
      ? null
      : `Audit row ${key} is not the one that ${rootKey(root.number)} of ${root.at} covers: the history was rewritten.`;
  }
  if (mayBeGone && (await isRemoved(table, roots, root, id))) return null;
  return `Remediation ${id} is missing, or its audit row ${key}: ${rootKey(root.number)} of ${root.at} covers it.`;
}

/** Does a later root, or the note for the next one, say that the history was removed by age? It is mostly the last. */
async function isRemoved(table: Table, roots: readonly Root[], root: Root, id: string): Promise<boolean> {
  if ((await removedHead(table, id))?.removed === true) return true;
  for (const later of roots.toReversed()) {
    if (later.number < root.number) break;
    for (const list of later.lists) {
      const row = await table.get(CONTROL, headsKey(later.number, list));
      const heads = row === null ? [] : (headsOrNull(row) ?? []);
      if (headsHashOf(heads) === list && heads.some((head) => head.id === id && head.removed)) return true;
    }
  }
  return false;
}
