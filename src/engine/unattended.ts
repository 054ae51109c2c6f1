import type { AnyPlaybook } from "../model/playbook.ts";
import { takeBudget } from "./budget.ts";
import { confirm } from "./confirm.ts";
import type { Engine } from "./engine.ts";
import type { Intended, Prepared } from "./prepare.ts";

/**
 * What has to hold besides, before something changes without a person: Defender confirms the alert, and the budget is
 * not used up; else a person decides. A person's approval stands for both. Raises `Retryable` where it is still to come.
 */
export async function unattended(
  engine: Engine,
  intended: Intended,
  playbook: AnyPlaybook,
  prepared: Prepared,
): Promise<Prepared> {
  if (intended.approval !== null || playbook.kind === "evidence") return prepared;
  const doubt = await confirm(engine, intended);
  if (doubt !== null) return asking(prepared, doubt);
  const over = await takeBudget(engine, intended);
  return over === null ? prepared : { ...asking(prepared, over), quiet: true };
}

function asking(prepared: Prepared, reason: string): Prepared {
  return { ...prepared, state: "awaiting-approval", mode: "approve", reason };
}
