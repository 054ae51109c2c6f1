import { sentence } from "../model/errors.ts";
import { regardedBy } from "../model/owner-event.ts";
import type { Plan } from "../model/plan.ts";
import type { Turn } from "./drive.ts";
import { paceOf } from "./pace.ts";
import { asOutcome } from "./steps/outcomes.ts";
import { within } from "./within.ts";

/** What the API server takes of a message. */
const NOTE_BYTES = 1_024;

/**
 * Leaves an Event beside the object that was changed, so that its owner sees who did it, why, and how to ask. It never
 * raises and never holds anything up for long: that an owner could not be told undoes nothing.
 */
export async function tellOwner(
  { engine, record, until }: Turn,
  plan: Plan,
  what: "applied" | "reverted",
): Promise<void> {
  const { target } = record;
  const regarding = regardedBy(target, plan.identity);
  const kind = engine.playbooks.get(record.playbook)?.kind;
  const changesIt = kind === "containment" || kind === "remediation";
  const now = engine.clock.now();
  if (regarding === null || !("cluster" in target) || !changesIt || now >= until) return;
  try {
    const written = engine.ports.write.kubernetes(target.cluster).recordEvent({
      name: `reflex-${record.id}-${what}`,
      regarding,
      reason: what === "applied" ? "ReflexApplied" : "ReflexReverted",
      note: noteOf(record, plan, what),
      isWarning: what === "applied",
      at: now,
    });
    await within(paceOf(engine, target).noteMs, "telling the owner", written);
  } catch (raised) {
    const facts = { id: record.id, reason: sentence(asOutcome(raised)) };
    engine.log({ level: "warning", event: "owner not told", facts });
  }
}

function noteOf({ id, rule }: Turn["record"], plan: Plan, what: "applied" | "reverted"): string {
  const did = plan.steps.map((step) => step.sentence).join("; ");
  const ask = `Ask the security team about remediation ${id} (rule ${rule.name})`;
  return what === "applied"
    ? bounded(`defender-reflex acted on an alert: ${did}`, `. ${ask}; \`reflex revert ${id}\` takes it back.`)
    : bounded(`defender-reflex took back what it had done: ${did}`, `. ${ask}.`);
}

/** The first text gives way: whom to ask is always there. */
function bounded(did: string, ask: string): string {
  const room = NOTE_BYTES - Buffer.byteLength(ask);
  const clean = did.replaceAll(/\p{Cc}/gu, " ");
  if (Buffer.byteLength(clean) <= room) return clean + ask;
  const cut = new TextDecoder().decode(Buffer.from(clean).subarray(0, room - 4)).replace(/\uFFFD$/, "");
  return `${cut}…${ask}`;
}
