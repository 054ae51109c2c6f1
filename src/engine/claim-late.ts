import { shardOf, targetHash, targetRowKey } from "../store/row-keys.ts";
import type { Operation } from "../store/table.ts";
import { encodeTargetRow } from "../store/target-row.ts";
import { claimId, type Work } from "./claim.ts";
import type { Engine } from "./engine.ts";
import { claimThatFits } from "./write-claim.ts";

/** Works of one transaction: so many claims of some six rows each. */
const TOGETHER = 16;
const MOST_CHANGES = 100;
/** Well under the 4 MiB of a transaction, which counts bytes in base64. */
const MOST_BYTES = 2 * 1024 * 1024;
/** Why a work is claimed without a plan when the time of its batch is used up. */
export const LATE = "the time of its batch was used up";

/**
 * Claims works of new targets as `pending`, some sixteen of one shard in a transaction, for the sweep to plan. What
 * could not be claimed so is returned: its target is known already, or its group met somebody else.
 */
export async function claimLate(engine: Engine, works: readonly Work[]): Promise<readonly Work[]> {
  const left: Work[] = [];
  for (const [shard, ofShard] of Map.groupBy(works, (work) => shardOf(targetHash(work.target, work.aside)))) {
    for (const group of groupsOf(engine, ofShard)) {
      try {
        await engine.table.transact(
          shard,
          group.flatMap(({ operations }) => operations),
        );
      } catch {
        // Whatever it was: claimed singly each shows its own fault, and one that was written after all is known.
        left.push(...group.map(({ work }) => work));
      }
    }
  }
  return left;
}

interface LateClaim {
  readonly work: Work;
  readonly operations: readonly Operation[];
}

interface Group {
  readonly claims: LateClaim[];
  readonly targets: Set<string>;
  changes: number;
  bytes: number;
}

/** Groups that a transaction takes: bounded in changes, and each target once, since its row may stand there once. */
function groupsOf(engine: Engine, works: readonly Work[]): LateClaim[][] {
  const groups: Group[] = [];
  for (const work of works) {
    const target = targetRowKey(targetHash(work.target, work.aside));
    const claim = { work, operations: rowsOf(engine, work, target) };
    const changes = claim.operations.length;
    const bytes = claim.operations.reduce((sum, operation) => sum + sizeOf(operation), 0);
    const fits = groups.find(
      (group) =>
        !group.targets.has(target) &&
        group.claims.length < TOGETHER &&
        group.changes + changes <= MOST_CHANGES &&
        group.bytes + bytes <= MOST_BYTES,
    );
    const group = fits ?? { claims: [], targets: new Set<string>(), changes: 0, bytes: 0 };
    if (fits === undefined) groups.push(group);
    group.claims.push(claim);
    group.targets.add(target);
    group.changes += changes;
    group.bytes += bytes;
  }
  return groups.map(({ claims }) => claims);
}

/** About how many bytes a change has: its cells are nearly all of it. */
function sizeOf(operation: Operation): number {
  const cells = operation.do === "delete" ? {} : operation.cells;
  return Object.values(cells).reduce<number>(
    (sum, cell) =>
      sum + (typeof cell === "string" ? 2 * cell.length : cell instanceof Uint8Array ? cell.length : 8),
    0,
  );
}

/** All rows of one pending claim, the new target row among them. */
function rowsOf(engine: Engine, work: Work, key: string): Operation[] {
  const now = engine.clock.now();
  const claim = claimThatFits(engine, work, claimId(engine, work), null, {
    pendingReason: LATE,
    pendingDue: now,
    episodes: [],
  });
  const row = { target: work.target, lease: null, entries: { [work.playbook]: claim.entry } };
  return [{ do: "insert", key, cells: encodeTargetRow(row) }, ...claim.operations];
}
