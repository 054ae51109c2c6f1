import { CONTROL } from "../store/row-keys.ts";
import type { Row } from "../store/table.ts";
import {
  decodeRoot,
  encodeRoot,
  LATEST_ROOT,
  type Root,
  rootHashOf,
  rootKey,
  rootRows,
} from "./audit-roots.ts";
import type { Engine } from "./engine.ts";
import { hasOurSchema } from "./our-schema.ts";

const TRIES = 3;

/** The daily roots with the first thing that is wrong with each or with their chain. */
export interface VerifiedRoots {
  /** Those up to the first that cannot be read. */
  readonly roots: readonly Root[];
  readonly faults: readonly string[];
}

/**
 * Walks the chain of daily roots: none missing, each hash right, each naming the one before, the last one the latest.
 * `kept` is the hash of a root that was kept elsewhere (the log): one of them must have it. Raises `StoreUnreachable`.
 */
export async function verifyRoots(
  engine: Pick<Engine, "table">,
  kept: string | null,
): Promise<VerifiedRoots> {
  let found = await walk(engine);
  // One may have been written between two reads: what is wrong stays wrong.
  for (let attempt = 1; attempt < TRIES && found.faults.length > 0; attempt++) found = await walk(engine);
  const { roots, faults } = found;
  if (kept === null || roots.some(({ hash }) => hash === kept)) return found;
  const sentence = `No daily root has the hash ${kept}: the roots were rewritten, or this is another app's.`;
  return { roots, faults: [...faults, sentence] };
}

async function walk({ table }: Pick<Engine, "table">): Promise<VerifiedRoots> {
  const rows = await rootRows(table);
  const latest = await table.get(CONTROL, LATEST_ROOT);
  const roots: Root[] = [];
  const faults: string[] = [];
  for (const row of rows) {
    const fault = faultOf(row, roots.at(-1));
    const root = readOrNull(row);
    if (fault !== null) faults.push(fault);
    if (root === null) break;
    roots.push(root);
  }
  return { roots, faults: faults.length > 0 ? faults : endFaults(roots.at(-1), latest) };
}

function faultOf(row: Row, before: Root | undefined): string | null {
  const number = (before?.number ?? 0) + 1;
  if (row.key !== rootKey(number)) return `The root row ${rootKey(number)} is missing: ${row.key} follows.`;
  const root = readOrNull(row);
  if (root === null) return `The root row ${row.key} cannot be read: it was altered.`;
  if (root.number !== number || rootHashOf(root) !== root.hash || !isAsWritten(row, root))
    return `The root row ${row.key} was altered: its hash is another one.`;
  return root.previous === (before?.hash ?? "")
    ? null
    : `The root row ${row.key} does not follow the root before it: one of the two was replaced.`;
}

function readOrNull(row: Row): Root | null {
  try {
    return decodeRoot(row);
  } catch {
    return null;
  }
}

function isAsWritten(row: Row, root: Root): boolean {
  const { schema: _ours, ...written } = encodeRoot(root);
  const { schema: _its, ...cells } = row.cells;
  const names = Object.keys(cells);
  const isSame =
    names.length === Object.keys(written).length && names.every((name) => cells[name] === written[name]);
  return isSame && hasOurSchema(row);
}

function endFaults(last: Root | undefined, latest: Row | null): string[] {
  if (last === undefined && latest === null) return [];
  if (latest === null) return [`The row ${LATEST_ROOT} is missing.`];
  if (last !== undefined && isAsWritten(latest, last)) return [];
  const named = readOrNull(latest)?.number ?? 0;
  return named > (last?.number ?? 0)
    ? [`The root row ${rootKey(named)} is missing: ${LATEST_ROOT} names it.`]
    : [`The row ${LATEST_ROOT} does not show the last daily root.`];
}
