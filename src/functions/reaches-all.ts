import type { Role } from "../model/caller.ts";
import type { Call } from "./http-function.ts";
import { Forbidden } from "./problem.ts";

/** Does the caller's role reach everything? Where the file limits it, it does not: for what is about no single target. */
export function reachesAll({ engine, caller }: Pick<Call, "engine" | "caller">, role: Role): boolean {
  const isLimited = engine.configuration.access.some((entry) => entry.role === role);
  return caller?.roles.includes(role) === true && !isLimited;
}

/** Raises `Forbidden` where the caller's role is limited to a scope. */
export function assertReachesAll(call: Pick<Call, "engine" | "caller">, role: Role): void {
  if (reachesAll(call, role)) return;
  throw new Forbidden(
    `Your role ${role} is limited to a scope, and what is in an event that could not be read is not known.`,
    "Ask somebody whose role is not limited under `access`.",
  );
}
