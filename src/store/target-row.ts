import type { Mode } from "../model/mode.ts";
import { isOpen, type SignalSummary, type State } from "../model/remediation.ts";
import { type Target, targetSchema } from "../model/target.ts";
import { cellJson } from "./cell-json.ts";
import type { Cell, Row } from "./table.ts";

/** Schema number of our rows; rows with a higher one were written by a newer version and are left alone. */
export const SCHEMA = 1;

/** In place of an identity: nobody could look which object bears the name now. */
export const UNSEEN = "";

/** The latest remediation of one playbook on a target, as the lock row shows it. Times are ISO 8601. */
export interface TargetEntry {
  readonly id: string;
  readonly state: State;
  readonly mode: Mode;
  readonly identity: string | null;
  readonly planHash: string | null;
  /** When the last signal joined; a deadline counts from it. */
  readonly lastSignalAt: string;
  readonly cooldownUntil: string | null;
  /** When episodes of this playbook began, of the last day. */
  readonly episodes: readonly string[];
  /** Fields it holds while open. */
  readonly touches: readonly string[];
  /** A joined signal saw another object under this name, or the one that is being let go; `UNSEEN` where it could not look. */
  readonly newerIdentity: string | null;
  /** The last signal that joined: by it the age is judged, and with it the next episode begins. */
  readonly lastSignal: SignalSummary | null;
  /** A joined signal's rule enforces what waits for approval or for its plan. */
  readonly lifted: boolean;
  /** Event time of a `Delete`, `Healthy`, `Resolved` or `Dismissed`: what is older than it begins nothing. */
  readonly closedAt: string | null;
  /** A driver vanished while this was open: what it may still write is read back before any end. */
  readonly abandoned: boolean;
}

/** Who drives now: nobody else writes this target until `until` (ISO 8601). */
export interface Lease {
  readonly token: string;
  readonly until: string;
}

/** The one lock of a target. Every later transaction replaces it with If-Match. */
export interface TargetRow {
  readonly target: Target;
  readonly lease: Lease | null;
  readonly entries: Readonly<Record<string, TargetEntry>>;
}

/** The row under a new lease. One that had run out was not dropped by its holder: what was open then counts as abandoned. */
export function underLease(row: TargetRow, lease: Lease): TargetRow {
  if (row.lease === null) return { ...row, lease };
  const entries = Object.entries(row.entries).map(([playbook, entry]) => [
    playbook,
    isOpen(entry.state) ? { ...entry, abandoned: true } : entry,
  ]);
  return { ...row, lease, entries: Object.fromEntries(entries) };
}

/** The row was written by a newer version of this program. */
export class NewerSchema extends Error {
  constructor(key: string) {
    super(`row ${key} was written by a newer version and is left alone`);
    this.name = "NewerSchema";
  }
}

/** Raises `NewerSchema` for rows of a newer version. */
export function checkSchema(row: Row): void {
  if (Number(row.cells["schema"]) > SCHEMA) throw new NewerSchema(row.key);
}

/** The cells of a target row. */
export function encodeTargetRow(row: TargetRow): Record<string, Cell> {
  return {
    schema: SCHEMA,
    target: cellJson(row.target),
    lease: row.lease === null ? "" : cellJson(row.lease),
    entries: cellJson(row.entries),
  };
}

/** The target row of a stored row. */
export function decodeTargetRow(row: Row): TargetRow {
  checkSchema(row);
  const lease = String(row.cells["lease"] ?? "");
  return {
    target: targetSchema.parse(JSON.parse(String(row.cells["target"]))),
    lease: lease === "" ? null : (JSON.parse(lease) as Lease),
    entries: JSON.parse(String(row.cells["entries"])) as Record<string, TargetEntry>,
  };
}
