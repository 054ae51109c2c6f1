import type { EvidenceWanted } from "../model/remediation.ts";
import { shardOf, signalHash, signalRowKey, targetHash } from "../store/row-keys.ts";
import type { Work } from "./claim.ts";
import { ATTEMPTS, type Engine } from "./engine.ts";
import type { Intended } from "./prepare.ts";
import { readRecord } from "./read-record.ts";

/** Is the evidence of a signal stored, still to come, or not to be had? */
export type EvidenceState = "kept" | "under way" | "lost";

/** Does a playbook of this name only keep evidence, so that it has a row beside its target's? */
export function changesNothing(engine: Pick<Engine, "playbooks">, playbook: string): boolean {
  return engine.playbooks.get(playbook)?.kind === "evidence";
}

/** Tells every piece of work that would destroy evidence, at once or on a further rung, which evidence of its first signal is wanted as well. */
export function withEvidence(engine: Engine, works: readonly Work[]): Work[] {
  const keepers = works.filter(({ aside }) => aside);
  return works.map((work) => {
    const ladder = [work.playbook, ...(work.rule.rungs ?? []).map(({ playbook }) => playbook)];
    if (!ladder.some((name) => engine.playbooks.get(name)?.destroysEvidence === true)) return work;
    const { identity } = work.signals[0].summary;
    const evidence = keepers
      .filter(({ signals }) => signals.some(({ summary }) => summary.identity === identity))
      .map(({ playbook, target }): EvidenceWanted => ({ playbook, target }));
    return { ...work, evidence };
  });
}

/**
 * How far the evidence is that must come first: found by the signal's own row, since it may have joined what was
 * there. What is not stored after the last attempt counts as lost: then a person decides.
 */
export async function evidenceKept(engine: Engine, intended: Intended): Promise<EvidenceState> {
  const states = await Promise.all(intended.evidence.map((wanted) => stateOf(engine, intended, wanted)));
  if (states.includes("lost")) return "lost";
  if (!states.includes("under way")) return "kept";
  return intended.attempts + 1 < ATTEMPTS ? "under way" : "lost";
}

async function stateOf(
  engine: Engine,
  { signal }: Intended,
  { playbook, target }: EvidenceWanted,
): Promise<EvidenceState> {
  const hash = targetHash(target, true);
  const row = await engine.table.get(
    shardOf(hash),
    signalRowKey(hash, playbook, signalHash(signal.identity)),
  );
  const record = row === null ? null : await readRecord(engine, String(row.cells["id"]));
  switch (record?.state) {
    case "done":
    case "in-force":
      return "kept";
    case undefined:
    case "pending":
    case "applying":
    case "verifying":
      return "under way";
    default:
      return "lost";
  }
}
