import type { Exception, ScopeEntry } from "../model/rule.ts";
import { compileGlob } from "./glob.ts";

/**
 * The first exception that covers what a rule wants of a playbook, and has not ended; null: none does. `matchesWhere`
 * answers whether the target is in an entry; it is asked last, and only where all else fits.
 */
export function exceptionFor(
  exceptions: readonly Exception[],
  of: { readonly rule: string; readonly playbook: string; readonly key: string | null },
  matchesWhere: (entry: ScopeEntry) => boolean,
  now: Date,
): Exception | null {
  return (
    exceptions.find(
      ({ until, rule, playbook, key, where }) =>
        now.getTime() < new Date(until).getTime() &&
        (rule === null || rule === of.rule) &&
        (playbook === null || playbook === of.playbook) &&
        (key === null || (of.key !== null && compileGlob(key)(of.key))) &&
        (where === null || matchesWhere(where)),
    ) ?? null
  );
}
