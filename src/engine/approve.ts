import type { Caller } from "../model/caller.ts";
import { Conflict, Refused } from "../model/errors.ts";
import { expiryOf } from "../model/question.ts";
import type { Remediation } from "../model/remediation.ts";
import type { Approval, Word } from "../model/word.ts";
import type { Change } from "./commit.ts";
import { type Engine, later } from "./engine.ts";
import { heed, spokenOf } from "./heed.ts";
import { paceOf } from "./pace.ts";
import { readRecord } from "./read-record.ts";
import { retriedId } from "./retry.ts";

/** So many retries of one another are looked through for who asked. */
const MOST_RETRIES = 20;

/** A yes to one plan: who says so and why, which plan was seen, and whether a person speaks. */
export interface Yes {
  readonly word: Word;
  readonly planHash: string;
  readonly kind: Caller["kind"];
}

/**
 * Approves what waits for a person: the approval is written down first, then the target is read and planned again, and
 * the very plan that was seen is begun; another one waits for a person again. Raises `Refused` where this caller may not,
 * `Conflict` where there is nothing (more) to approve or the plan is another, `Retryable` while somebody else drives.
 */
export async function approve(engine: Engine, id: string, yes: Yes): Promise<Remediation> {
  if (yes.kind !== "person") {
    throw new Refused("an application decides nothing", "Let a person approve, signed in as such.");
  }
  const askers = await askersOf(engine, await spokenOf(engine, id));
  return heed(engine, id, (record) => approved(engine, record, yes, askers));
}

/** Who asked for it, and for what it tries again: an application that repeats a person's run is no second person. */
async function askersOf(engine: Engine, record: Remediation): Promise<readonly Word[]> {
  const askers: Word[] = [];
  let asked: Remediation | null = record;
  for (let depth = 0; asked !== null && depth < MOST_RETRIES; depth += 1) {
    if (asked.requestedBy !== null) askers.push(asked.requestedBy);
    const before = retriedId(asked.signal.identity);
    asked = before === null ? null : await readRecord(engine, before);
  }
  return askers;
}

/** The approval on record; everything that follows is the engine's, also where we vanish now. */
function approved(
  engine: Engine,
  record: Remediation,
  { word, planHash }: Yes,
  askers: readonly Word[],
): Change {
  const now = engine.clock.now();
  mustWait(record, now);
  if (planHash === "" || planHash !== record.planHash) {
    throw new Conflict(
      `this is not the plan of remediation ${record.id} as it is now: it has changed since you looked`,
      `Look again with \`reflex show ${record.id}\`, then approve what you see.`,
    );
  }
  mustBeSecond(engine, record, word, askers);
  const approval: Approval = { ...word, at: now.toISOString(), planHash };
  return {
    state: "awaiting-approval",
    reason: `approved by ${word.who}: ${word.why}`,
    who: word.who,
    what: "approved",
    details: { approval },
    patch: { approval, attempts: 0 },
    due: later(now, paceOf(engine, record.target).leaseMs),
    goOn: true,
  };
}

function mustWait(record: Remediation, now: Date): void {
  const { id, state, approval } = record;
  if (approval !== null) {
    throw new Conflict(`remediation ${id} was already approved by ${approval.who}`, "See what became of it.");
  }
  if (state === "expired" || (state === "awaiting-approval" && expiryOf(record) <= now)) {
    throw new Conflict(
      `the time to approve remediation ${id} ran out at ${expiryOf(record).toISOString()}`,
      `If it is still wanted, begin it anew with \`reflex retry ${id}\`.`,
    );
  }
  if (state !== "awaiting-approval") {
    throw new Conflict(
      `remediation ${id} is ${state} and does not wait for approval`,
      `See why with \`reflex show ${id}\`.`,
    );
  }
}

/** Four eyes: who asked for what may harm more than its target, or cannot be taken back, does not approve it too. */
function mustBeSecond(
  engine: Engine,
  { playbook: name }: Remediation,
  word: Word,
  askers: readonly Word[],
): void {
  const playbook = engine.playbooks.get(name);
  const wantsTwo = playbook === undefined || playbook.highImpact || !playbook.reversible;
  const asker = askers.find(({ id }) => word.id === "" || id === word.id);
  if (asker === undefined || !wantsTwo) return;
  throw new Refused(
    `${asker.who} asked for this, and ${name} wants a second person`,
    "Let somebody else who may approve look at it.",
  );
}
