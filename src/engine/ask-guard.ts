import { lowestMode } from "../model/mode.ts";
import type { AnyPlaybook } from "../model/playbook.ts";
import type { Remediation } from "../model/remediation.ts";
import type { Exception, ScopeEntry } from "../model/rule.ts";
import { exceptionFor } from "../rules/index.ts";
import { StoreUnreachable } from "../store/table.ts";
import type { Engine } from "./engine.ts";
import { type GuardQuestion, type GuardVerdict, guard } from "./guard.ts";
import { mayMatch } from "./scope.ts";

/** Of whom the guard is asked: a record, or what is to become one. */
type Judged = GuardQuestion["record"] & Pick<Remediation, "playbook" | "requestedBy">;

/** Asks the guard with all that it needs besides the facts. Raises `StoreUnreachable`. */
export async function askGuard(
  engine: Engine,
  of: Pick<GuardQuestion, "episodes" | "touched" | "facts"> & {
    readonly record: Judged;
    readonly playbook: AnyPlaybook;
  },
): Promise<GuardVerdict> {
  const { ceiling, scope, protectedNamespaces } = engine.configuration;
  const { record, facts } = of;
  return guard({
    ...of,
    ceiling,
    scope,
    protectedNamespaces,
    // What cannot be told counts as within: an exception keeps us from acting, as a denial does.
    exception: exceptionOf(engine, record, (where) => mayMatch(where, facts)),
    tripped: await trippedSince(engine, record),
    byPerson: record.signal.kind === "manual" || record.requestedBy !== null,
    now: engine.clock.now(),
  });
}

/** The exception that covers this now, if there is one. */
export function exceptionOf(
  { configuration, clock }: Pick<Engine, "configuration" | "clock">,
  { rule, playbook, signal }: Pick<Judged, "rule" | "playbook" | "signal">,
  matchesWhere: (where: ScopeEntry) => boolean,
): Exception | null {
  const of = { rule: rule.name, playbook, key: signal.key };
  return exceptionFor(configuration.exceptions, of, matchesWhere, clock.now());
}

/** Why the rule is tripped; null: it is not, or it would only observe anyway, so that nobody has to look. */
async function trippedSince(engine: Engine, { mode, approval, rule }: Judged): Promise<string | null> {
  const asked = lowestMode(mode, engine.configuration.ceiling);
  if (approval !== null || asked === "off" || asked === "observe") return null;
  try {
    const { trips } = await engine.switches.now();
    return trips.find((trip) => trip.rule === rule.name)?.why ?? null;
  } catch (error) {
    // Whoever is held back changes nothing before he has looked again.
    if (engine.held && error instanceof StoreUnreachable) return null;
    throw error;
  }
}
