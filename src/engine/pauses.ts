import { Refused } from "../model/errors.ts";
import type { Word } from "../model/word.ts";
import { CONTROL, signalHash } from "../store/row-keys.ts";
import { type Operation, RowConflict } from "../store/table.ts";
import { SCHEMA } from "../store/target-row.ts";
import { noteControl } from "./control-history.ts";
import type { Engine } from "./engine.ts";
import { type PauseOf, type Switch, type SwitchState, switchRows } from "./switches.ts";
import { clearTrip } from "./trip.ts";

/** Everything that is switched off at this moment, the kill switch of the app setting included. */
export interface Pauses extends SwitchState {
  readonly held: boolean;
}

/** What is switched off, read anew. Raises `StoreUnreachable`. */
export async function pauses(engine: Engine): Promise<Pauses> {
  engine.switches.forget();
  return { held: engine.held, ...(await engine.switches.now()) };
}

/**
 * Holds every forward write of something, in every instance within five seconds; reverts and deadlines go on. What is
 * held already stays so, with the word of whoever was first. Raises `Refused` for what there is not, and
 * `StoreUnreachable`.
 */
export async function pause(engine: Engine, asked: PauseOf, word: Word): Promise<Pauses> {
  const of = known(engine, asked);
  const key = pauseKey(of);
  if ((await engine.table.get(CONTROL, key)) === null) {
    const held = { of, who: word.who, why: word.why, since: engine.clock.now().toISOString() };
    const cells = { schema: SCHEMA, switch: JSON.stringify(held) };
    await noted(engine, "pause", of, word, [{ do: "insert", key, cells }]);
  }
  return pauses(engine);
}

/**
 * Lets go on what was held with just these words; a rule that was tripped may act again as well. Again is no change.
 * Raises `Refused` for what there is not, and `StoreUnreachable`.
 */
export async function resume(engine: Engine, asked: PauseOf, word: Word): Promise<Pauses> {
  const stands: Switch[] = [];
  for await (const one of switchRows(engine.table)) stands.push(one);
  const of = standingAs(asked, stands) ?? known(engine, asked);
  const held = stands.filter((one) => "pause" in one && pauseKey(one.pause.of) === pauseKey(of));
  const isTripped = of.kind === "rule" && stands.some((one) => "trip" in one && one.trip.rule === of.name);
  const gone = held.map(({ key }): Operation => ({ do: "delete", key, etag: "*" }));
  if (held.length > 0 || isTripped) await noted(engine, "resume", of, word, gone);
  if (isTripped) await clearTrip(engine, of.name);
  return pauses(engine);
}

/** What is held or tripped may be let go though the configuration names it no more. */
function standingAs(asked: PauseOf, stands: readonly Switch[]): PauseOf | null {
  const names = (one: Switch): PauseOf =>
    "pause" in one ? one.pause.of : { kind: "rule", name: one.trip.rule };
  return stands.map(names).find((of) => pauseKey(of) === pauseKey(asked)) ?? null;
}

/** Writes what was asked together with its row of history. Refused, it was done meanwhile by somebody else. */
async function noted(
  engine: Engine,
  what: "pause" | "resume",
  of: PauseOf,
  word: Word,
  operations: readonly Operation[],
): Promise<void> {
  try {
    await noteControl(engine, { what, word, details: { of } }, operations);
  } catch (error) {
    if (!(error instanceof RowConflict)) throw error;
  }
}

/** Names are hashed: a rule may bear one that no row key can. */
function pauseKey(of: PauseOf): string {
  return of.kind === "all"
    ? "switch!pause!all"
    : `switch!pause!${of.kind}!${signalHash(folded(of.kind, of.name))}`;
}

/** ARM ids are compared without case, our own names with it. */
function folded(kind: PauseOf["kind"], name: string): string {
  return kind === "cluster" ? name.toLowerCase() : name;
}

/** What is asked for, as the records name it: a cluster may be given by the name in the file or an alias. Raises `Refused`. */
function known({ configuration, playbooks }: Engine, asked: PauseOf): PauseOf {
  if (asked.kind === "all") return asked;
  const { kind, name } = asked;
  const names: readonly (readonly [string, string])[] = {
    cluster: configuration.clusters.flatMap((one) =>
      [one.name, one.id, ...one.aliases].map((given) => [given, one.id] as const),
    ),
    rule: configuration.rules.map((one) => [one.name, one.name] as const),
    playbook: [...playbooks.keys()].map((one) => [one, one] as const),
  }[kind];
  const found = names.find(([given]) => folded(kind, given) === folded(kind, name));
  if (found !== undefined) return { kind, name: found[1] };
  const listed = names.map(([given]) => given).join(", ");
  throw new Refused(
    `there is no ${kind} ${name.slice(0, 200)}`,
    listed === "" ? `The configuration names no ${kind}.` : `Use one of: ${listed}.`,
  );
}
