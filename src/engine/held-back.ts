import { sameArmId } from "../model/arm-id.ts";
import { mainClusterId } from "../model/main-cluster.ts";
import type { Remediation } from "../model/remediation.ts";
import type { Engine } from "./engine.ts";
import { OLDEST_LOOK_MS, type PauseOf } from "./switches.ts";

/** With this begins the reason of a record that waits until somebody lets it go on. */
const HELD = "held: ";

type Held = Pick<Remediation, "target" | "playbook" | "rule">;

/**
 * Why no forward write of a remediation may be begun now: the kill switch, or somebody's pause, seen at most five
 * seconds ago; a look that took longer than that is no look. Null: it may. Raises `StoreUnreachable`.
 */
export async function heldBack(engine: Engine, record: Held): Promise<string | null> {
  if (engine.held) return `${HELD}the app setting REFLEX_MODE is off`;
  const asked = engine.clock.now().getTime();
  const { pauses } = await engine.switches.now();
  if (engine.clock.now().getTime() - asked >= OLDEST_LOOK_MS) {
    return `${HELD}the store answers too slowly to be sure that nothing is paused`;
  }
  const pause = pauses.find(({ of }) => covers(engine, of, record));
  return pause === undefined ? null : `${HELD}${pause.who} paused ${pausedWords(pause.of)}: ${pause.why}`;
}

/** Has this record been told that it is held back, and is it still so? Then there is nothing to do for it. */
export async function stillHeld(engine: Engine, record: Remediation): Promise<boolean> {
  if (!(record.state === "applying" && record.reason.startsWith(HELD))) return false;
  return (await heldBack(engine, record)) !== null;
}

/** What is paused, in words. */
export function pausedWords(of: PauseOf): string {
  return of.kind === "all" ? "everything" : `${of.kind} ${of.name}`;
}

function covers({ configuration }: Engine, of: PauseOf, { target, playbook, rule }: Held): boolean {
  const main = (id: string): string => mainClusterId(configuration.clusters, id);
  switch (of.kind) {
    case "all":
      return true;
    case "cluster":
      // Also what was begun, or paused, under an id that has become an alias since.
      return "cluster" in target && sameArmId(main(target.cluster), main(of.name));
    case "rule":
      return rule.name === of.name;
    case "playbook":
      return playbook === of.name;
  }
}
