import { Refused, Retryable } from "../model/errors.ts";
import { isOpen, type Remediation } from "../model/remediation.ts";
import { isRemediationId, targetHash } from "../store/row-keys.ts";
import type { Change } from "./commit.ts";
import { sendNow } from "./deliver.ts";
import { type Driven, drive } from "./drive.ts";
import { type Engine, LEASE_MS, later, WORK_MS } from "./engine.ts";
import { readTarget } from "./held-target.ts";
import { readRecord } from "./read-record.ts";

/**
 * Takes a remediation back because a person asked; again is no change. Open ones on which nothing was written end
 * `rejected`. Raises `Refused` where there is nothing to take back, `Retryable` while somebody else drives.
 */
export async function revert(
  engine: Engine,
  id: string,
  by: { readonly who: string; readonly why: string },
): Promise<Remediation> {
  const seen = isRemediationId(id) ? await readRecord(engine, id) : null;
  if (seen === null) throw new Refused(`there is no remediation ${id}`, "Look up its id with `reflex list`.");
  if (seen.state === "reverted" || seen.state === "rejected") return seen;
  const latest = (await readTarget(engine.table, targetHash(seen.target, seen.aside)))?.row.entries[
    seen.playbook
  ];
  if (!isOpen(seen.state) && latest !== undefined && latest.id !== id) {
    throw new Refused(
      `a later remediation of this target, ${latest.id}, has taken the place of ${id}`,
      "Take that one back.",
    );
  }
  const until = later(engine.clock.now(), WORK_MS);
  const driven: Driven = await drive(engine, id, until, { push: (record) => takeBack(engine, record, by) });
  if (driven.outcome !== "rest") {
    throw new Retryable(`remediation ${id} is being worked on`, "Ask again in a moment.", {
      retryAfterMs: 5_000,
    });
  }
  await sendNow(engine, driven.messages);
  const after = driven.record ?? (await readRecord(engine, id));
  return after ?? seen;
}

function takeBack(
  engine: Engine,
  record: Remediation,
  by: { readonly who: string; readonly why: string },
): Change | null {
  const { who, why } = by;
  switch (record.state) {
    case "reverted":
    case "rejected":
      return null;
    case "pending":
    case "awaiting-approval":
      return {
        state: "rejected",
        reason: `rejected: ${why}`,
        who,
        what: "rejected",
        patch: { revertedBy: by },
        due: null,
        goOn: false,
        messages: ["ended"],
      };
    case "applying":
    case "verifying":
    case "in-force":
    case "reverting":
      return goBack(engine, by);
    default:
      if (record.touched && isReversible(engine, record)) return goBack(engine, by);
      throw new Refused(
        `remediation ${record.id} is ${record.state} and left nothing that could be taken back`,
        "Nothing needs to be done.",
      );
  }
}

function goBack(engine: Engine, by: { readonly who: string; readonly why: string }): Change {
  return {
    state: "reverting",
    reason: `taken back: ${by.why}`,
    who: by.who,
    what: "revert asked",
    patch: { revertedBy: by, revertsTo: "reverted", attempts: 0 },
    due: later(engine.clock.now(), LEASE_MS),
    goOn: true,
  };
}

function isReversible(engine: Engine, record: Remediation): boolean {
  return engine.playbooks.get(record.playbook)?.reversible ?? false;
}
