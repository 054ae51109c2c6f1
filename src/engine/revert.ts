import { Refused } from "../model/errors.ts";
import { isOpen, type Remediation } from "../model/remediation.ts";
import type { Word } from "../model/word.ts";
import { targetHash } from "../store/row-keys.ts";
import type { TargetEntry } from "../store/target-row.ts";
import type { Change } from "./commit.ts";
import { type Engine, later } from "./engine.ts";
import { heed, spokenOf } from "./heed.ts";
import { readTarget } from "./held-target.ts";
import { paceOf } from "./pace.ts";
import { rejection } from "./reject.ts";

/**
 * Takes a remediation back because a person asked, from every state in which something was written, whatever its proof;
 * again is no change. What has written nothing yet ends `rejected`. Where somebody else changed what was touched it ends
 * `superseded` and lists what remains. Raises `Refused` where there is nothing to take back or no way, `Retryable` while
 * somebody else drives.
 */
export async function revert(engine: Engine, id: string, by: Word): Promise<Remediation> {
  const seen = await spokenOf(engine, id);
  if (seen.state === "reverted" || seen.state === "rejected") return seen;
  if (!isOpen(seen.state)) await mustBeLatest(engine, seen);
  return heed(engine, id, (record, entry) => takeBack(engine, record, entry, by));
}

/** What an ended one left is what the one after it found, and restores. */
async function mustBeLatest(engine: Engine, { id, target, aside, playbook }: Remediation): Promise<void> {
  const seen = await readTarget(engine.table, targetHash(target, aside));
  const latest = seen?.row.entries[playbook];
  if (latest === undefined || latest.id === id) return;
  throw new Refused(
    `a later remediation of this target, ${latest.id}, has taken the place of ${id}`,
    "Take that one back.",
  );
}

function takeBack(
  engine: Engine,
  record: Remediation,
  entry: TargetEntry | undefined,
  by: Word,
): Change | null {
  switch (record.state) {
    case "reverted":
    case "rejected":
      return null;
    case "pending":
    case "awaiting-approval":
      return rejection(by);
    case "applying":
      return isUntouched(record, entry) ? rejection(by) : goBack(engine, record, by);
    case "verifying":
    case "in-force":
    case "reverting":
      return goBack(engine, record, by);
    default:
      // What was taken back before it failed may have been written once more, by a process that was frozen.
      if (record.touched || record.revertsTo !== null) return goBack(engine, record, by);
      throw new Refused(
        `remediation ${record.id} is ${record.state} and left nothing that could be taken back`,
        "Nothing needs to be done.",
      );
  }
}

/** Surely nothing was written: no write was begun, and nobody vanished who may have begun one. */
function isUntouched({ touched, readBackAfter }: Remediation, entry: TargetEntry | undefined): boolean {
  return !touched && readBackAfter === null && entry?.abandoned === false;
}

function goBack(engine: Engine, record: Remediation, by: Word): Change {
  mustBeReversible(engine, record);
  return {
    state: "reverting",
    reason: `taken back: ${by.why}`,
    who: by.who,
    what: "revert asked",
    patch: { revertedBy: by, revertsTo: "reverted", attempts: 0 },
    due: later(engine.clock.now(), paceOf(engine, record.target).leaseMs),
    goOn: true,
  };
}

function mustBeReversible(engine: Engine, { id, playbook: name, state }: Remediation): void {
  const playbook = engine.playbooks.get(name);
  if (playbook === undefined) {
    throw new Refused(
      `there is no playbook ${name} in this version to take ${id} back`,
      "Deploy a version that has it, then ask again.",
    );
  }
  // What is on its way back already only gets another try.
  if (playbook.reversible || state === "reverting") return;
  throw new Refused(
    `what ${name} did cannot be taken back`,
    `See what it did with \`reflex show ${id}\`, and undo it by hand where that is possible.`,
  );
}
