import { isOpen, type OpenState, type Remediation } from "../model/remediation.ts";
import { targetHash } from "../store/row-keys.ts";
import { NewerSchema, type TargetEntry } from "../store/target-row.ts";
import type { Begun } from "./begin.ts";
import { withNextRung } from "./climb.ts";
import { type Change, type Committed, commit } from "./commit.ts";
import { type Engine, later } from "./engine.ts";
import { stillHeld } from "./held-back.ts";
import { dropLease, type HeldTarget, LeaseLost, takeLease } from "./held-target.ts";
import { paceOf } from "./pace.ts";
import type { Prepared } from "./prepare.ts";
import { readRecord } from "./read-record.ts";
import { applying } from "./steps/applying.ts";
import { awaitingApproval } from "./steps/awaiting-approval.ts";
import { inForce } from "./steps/in-force.ts";
import { pending } from "./steps/pending.ts";
import { reverting } from "./steps/reverting.ts";
import { verifying } from "./steps/verifying.ts";
import { noteOutcome } from "./trip.ts";

/** One turn of a driver: the record and target as they are now, and how long it may work. */
export interface Turn {
  readonly engine: Engine;
  readonly record: Remediation;
  readonly held: HeldTarget;
  /** No outside call is begun after this moment. */
  readonly until: Date;
  /** The verdict of just now, where the claim and this turn are one run; null after any wait. */
  readonly prepared: Prepared | null;
  /** A driver vanished in the middle: no end is written before one more read-back. */
  readonly abandoned: boolean;
}

/** One step of a state: what it decided. A step does its outside work itself and writes nothing. */
export type Step = (turn: Turn) => Promise<Change>;

/** The step of every open state: the registry of the engine. */
export const STEPS: Readonly<Record<OpenState, Step>> = {
  pending,
  "awaiting-approval": awaitingApproval,
  applying,
  verifying,
  "in-force": inForce,
  reverting,
};

/** How far a drive came, and the messages that are due now. */
export interface Driven {
  /** `rest`: as far as it can go now. `busy`: somebody else drives. `gone`: no such record. `newer`: left to a newer version. */
  readonly outcome: "rest" | "busy" | "gone" | "newer";
  readonly record: Remediation | null;
  readonly messages: Committed["messages"];
  /** Other remediations of the target that wait for its lease, which was just dropped. */
  readonly waiting: readonly string[];
}

/** A record whose lease is ours from the claim on. */
export type Claimed = NonNullable<Begun["drive"]>;

/**
 * A person's word, turned into a change of the record, and of what the target row shows of it, as they are under the
 * lease; null: it is left as it is.
 */
export type Push = (record: Remediation, entry: TargetEntry | undefined) => Change | null;

/**
 * Moves one record as far as it can go now: takes the lease, does a step, writes, and goes on until the record is at
 * rest or time is up. Every door calls this. Raises `StoreUnreachable`, and what `push` raises.
 */
export async function drive(
  engine: Engine,
  id: string,
  until: Date,
  from: { readonly claimed?: Claimed; readonly push?: Push } = {},
): Promise<Driven> {
  const messages: Committed["messages"][number][] = [];
  const nothing = { record: null, messages, waiting: [] };
  try {
    const start = from.claimed ?? (await take(engine, id, from.push !== undefined));
    if (typeof start === "string") return { outcome: start, ...nothing };
    const limit = earlier(until, workEnd(engine, start.held));
    let { record, held } = start;
    let prepared = from.claimed?.prepared ?? null;
    let next = from.push === undefined ? null : await pushed(engine, start, from.push);
    let spawned: Begun | null = null;
    let leased = true;
    const leave = from.push !== undefined && next === null;
    while (leased && !leave && (isOpen(record.state) || next !== null)) {
      const change = next ?? (await step({ engine, record, held, until: limit, prepared }));
      next = null;
      await noteEnd(engine, record, change);
      const committed = await commit(engine, held, record, change);
      prepared = committed.written ? (change.prepared ?? null) : null;
      messages.push(...committed.messages);
      ({ record, held } = committed);
      if (!committed.written) continue;
      leased = change.goOn;
      spawned = change.spawned ?? spawned;
    }
    if (leased) await dropLease(engine, held);
    if (spawned !== null) messages.push(...(await driveSpawned(engine, spawned, until)));
    return { outcome: "rest", record, messages, waiting: waitingOn(held, id) };
  } catch (error) {
    return { outcome: leftTo(error), ...nothing };
  }
}

/** Right before an end is written: who dies in between notes it again, under the same id. */
async function noteEnd(engine: Engine, record: Remediation, { state, patch }: Change): Promise<void> {
  const byPerson = (patch?.revertedBy ?? record.revertedBy) !== null;
  if (state === "failed" || (state === "reverted" && byPerson)) await noteOutcome(engine, record, state);
}

/** Who goes on where this driver may not; other errors go on. */
function leftTo(error: unknown): "busy" | "newer" {
  if (error instanceof LeaseLost) return "busy";
  if (error instanceof NewerSchema) return "newer";
  throw error;
}

async function step(now: Omit<Turn, "abandoned">): Promise<Change> {
  const { record, held } = now;
  if (!isOpen(record.state)) throw new TypeError(`nothing follows ${record.state}`);
  const turn = { ...now, abandoned: held.row.entries[record.playbook]?.abandoned ?? false };
  return withNextRung(turn, await STEPS[record.state](turn));
}

/** What a step began elsewhere is driven after the step's own change is written. */
async function driveSpawned(engine: Engine, begun: Begun, until: Date): Promise<Committed["messages"]> {
  if (begun.drive === null && !begun.wake) return begun.messages;
  const from = begun.drive === null ? {} : { claimed: begun.drive };
  const driven = await drive(engine, begun.id, until, from);
  return [...begun.messages, ...driven.messages];
}

/** Other remediations of this target that were claimed while its lease was held. */
function waitingOn(held: HeldTarget, driven: string): readonly string[] {
  return Object.values(held.row.entries)
    .filter((entry) => entry.state === "pending" && entry.id !== driven)
    .map((entry) => entry.id);
}

/** The lease's own share of time for work: it began when the lease was written down, not when its holder woke up. */
function workEnd(engine: Engine, { row }: HeldTarget): Date {
  const { workMs, leaseMs } = paceOf(engine, row.target);
  return row.lease === null ? new Date(0) : later(new Date(row.lease.until), workMs - leaseMs);
}

/** A refusal of what a person asked lets the lease go. Whoever asks is not made to wait for a slow cluster. */
async function pushed(
  engine: Engine,
  { record, held }: { readonly record: Remediation; readonly held: HeldTarget },
  push: Push,
): Promise<Change | null> {
  try {
    const change = push(record, ofRecord(held, record));
    const waits = change?.goOn === true && paceOf(engine, held.row.target).isSlow;
    return waits ? { ...change, due: engine.clock.now(), goOn: false } : change;
  } catch (error) {
    await dropLease(engine, held);
    throw error;
  }
}

/** What the target row shows of a record; of one that another has followed, nothing. */
function ofRecord({ row }: HeldTarget, { playbook, id }: Remediation): TargetEntry | undefined {
  const entry = row.entries[playbook];
  return entry?.id === id ? entry : undefined;
}

async function take(
  engine: Engine,
  id: string,
  ended: boolean,
): Promise<{ readonly record: Remediation; readonly held: HeldTarget } | "busy" | "gone" | "rest"> {
  const seen = await readRecord(engine, id);
  if (seen === null) return "gone";
  if (!(isOpen(seen.state) || ended)) return "rest";
  // A person's word is heard all the same.
  if (!ended && (await stillHeld(engine, seen))) return "rest";
  const held = await takeLease(engine, targetHash(seen.target, seen.aside));
  if (held === "held") return "busy";
  if (held === "gone") return "gone";
  // Read again under the lease: who held it before may have moved it.
  const record = await readRecord(engine, id);
  return record === null ? "gone" : { record, held };
}

function earlier(first: Date, second: Date): Date {
  return first < second ? first : second;
}
