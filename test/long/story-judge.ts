import type { Remediation } from "../../src/model/remediation.ts";
import { type Fault, type Life, live, type Step } from "./story-life.ts";
import type { Chronicle, Happening } from "./story-watch.ts";

const MINUTE = 60_000;

/** What the rules of a story promise, as the judge has to know it. */
export interface Promised {
  /** Pods in an hour without a person. */
  readonly perHour: number;
  readonly cooldownMs: number;
}

/**
 * A look at the pauses may be five seconds old when it is asked for, and the answer to it up to five more on its way:
 * a longer one is not believed. After the answer nothing is waited for. Skew does not matter: both are measured by one
 * clock.
 */
const UNSEEN_PAUSE_MS = 10_000;
/**
 * A cooldown is written and read by clocks up to a minute apart, and what is written was computed up to a lease and a
 * frozen transaction before it landed.
 */
const COOLDOWN_SLACK_MS = 5 * MINUTE;
/** A budget is taken before the row that enters `applying` is written: up to a freeze earlier, maybe in the hour before. */
const TAKEN_BEFORE_MS = 5 * MINUTE;

type Of<K extends Happening["what"]> = Extract<Happening, { what: K }>;

/** Judges a story by the model of the life, and by what holds among several remediations. */
export function judge(
  { happenings }: Chronicle,
  records: readonly Remediation[],
  promised: Promised,
  people: readonly string[],
): Fault[] {
  const podOf = new Map(records.map(({ id, target }) => [id, "name" in target ? target.name : ""]));
  const { faults, unattended } = eachLife(happenings, podOf, people);
  return [
    ...faults,
    ...pausedWrites(happenings),
    ...overwritten(happenings),
    ...doubled(happenings),
    ...doneAgain(happenings, records, promised.cooldownMs, people),
    ...overBudget(unattended, promised.perHour),
  ];
}

/** An effect without a person, and when its record entered `applying`, by the clock of whoever wrote that. */
interface Unattended {
  readonly pod: string;
  readonly enteredAt: string;
}

function eachLife(
  happenings: readonly Happening[],
  podOf: ReadonlyMap<string, string>,
  people: readonly string[],
): { readonly faults: Fault[]; readonly unattended: readonly Unattended[] } {
  const faults: Fault[] = [];
  const unattended: Unattended[] = [];
  const lives = new Map<string, Life>();
  const entered = new Map<string, { readonly at: string; readonly may: Life["may"] }>();
  for (const [place, one] of happenings.entries()) {
    if (one.what === "foreign") {
      for (const [id, life] of lives)
        if (podOf.get(id) === one.pod) lives.set(id, { ...life, stands: false });
    }
    if (one.what !== "row" && one.what !== "begin" && one.what !== "land") continue;
    const step = stepOf(one, happenings.slice(0, place), podOf, people);
    const { life, faults: found } = live(lives.get(one.id) ?? null, step);
    lives.set(one.id, life);
    faults.push(...found.map(({ kind, says }) => ({ kind, says: `${one.id}: ${says}` })));
    if (one.what === "row" && one.row.after === "applying" && one.row.before !== "applying") {
      entered.set(one.id, { at: one.row.at, may: life.may });
    }
    const by = entered.get(one.id);
    if (one.what === "land" && one.way === "forward" && by?.may === "unattended") {
      unattended.push({ pod: one.pod, enteredAt: by.at });
    }
  }
  return { faults, unattended };
}

function stepOf(
  one: Of<"row"> | Of<"begin"> | Of<"land">,
  before: readonly Happening[],
  podOf: ReadonlyMap<string, string>,
  people: readonly string[],
): Step {
  if (one.what === "begin") return { do: "begin", way: one.way, plan: one.plan, stored: one.stored };
  if (one.what === "land") return { do: "land", way: one.way };
  const { row, id } = one;
  const hash = row.details["planHash"];
  const isPerson = people.includes(row.who);
  return {
    do: "row",
    actor: isPerson ? "person" : "engine",
    before: row.before,
    after: row.after,
    plan: typeof hash === "string" ? hash : null,
    presented: before.flatMap((word) =>
      word.what === "word" && word.act === "approve" && word.id === id && word.person === row.who
        ? [word.hash ?? ""]
        : [],
    ),
    enforced: before.some((alert) => alert.what === "alert" && alert.enforces && alert.pod === podOf.get(id)),
  };
}

/** No forward write is begun while a pause stands that everybody must have seen. */
function pausedWrites(happenings: readonly Happening[]): Fault[] {
  const since = new Map<string, number>();
  return happenings.flatMap((one): Fault[] => {
    if (one.what === "pause") since.set(one.key, one.at);
    if (one.what === "resume") since.delete(one.key);
    if (one.what !== "begin" || one.way === "back") return [];
    const longest = Math.max(0, ...[...since.values()].map((at) => one.at - at));
    const says = `${one.id}: it writes though a pause has stood for ${longest} ms`;
    return longest > UNSEEN_PAUSE_MS ? [{ kind: "paused", says }] : [];
  });
}

/** What is taken back is one's own. */
function overwritten(happenings: readonly Happening[]): Fault[] {
  return happenings.flatMap((one): Fault[] => {
    const isForeign = one.what === "land" && one.way === "back" && one.over !== null && one.over !== one.id;
    return isForeign ? [{ kind: "overwritten", says: `${one.id}: it was taken back over ${one.over}` }] : [];
  });
}

/** One effect for one episode, unless somebody else took it away in between. */
function doubled(happenings: readonly Happening[]): Fault[] {
  const landed = new Set<string>();
  return happenings.flatMap((one): Fault[] => {
    if (one.what === "foreign") landed.clear();
    if (one.what !== "land" || one.way === "back") return [];
    const isSecond = landed.has(one.id);
    landed.add(one.id);
    return isSecond ? [{ kind: "doubled", says: `${one.id}: it took effect twice` }] : [];
  });
}

/** What a person took back or rejected is not done again to the same object within the cooldown, but at a person's word. */
function doneAgain(
  happenings: readonly Happening[],
  records: readonly Remediation[],
  cooldownMs: number,
  people: readonly string[],
): Fault[] {
  const rows = happenings.flatMap((one) => (one.what === "row" ? [one] : []));
  const ended = rows.flatMap(({ id, at, row }) =>
    people.includes(row.who) && (row.after === "reverted" || row.after === "rejected") ? [{ id, at }] : [],
  );
  const began = new Map(rows.flatMap(({ id, at, row }) => (row.sequence === 1 ? [[id, at] as const] : [])));
  const known = new Map(records.map((record) => [record.id, record]));
  const effects = happenings.flatMap((one) => (one.what === "land" && one.way === "forward" ? [one] : []));
  return effects.flatMap(({ id }): Fault[] => {
    const record = known.get(id);
    const at = began.get(id) ?? 0;
    if (record === undefined || record.requestedBy !== null) return [];
    const [refused] = ended.filter((end) => {
      const before = known.get(end.id);
      const isSame = before?.identity === record.identity && before?.playbook === record.playbook;
      return isSame && end.at < at && at < end.at + cooldownMs - COOLDOWN_SLACK_MS;
    });
    const says = `${id}: it was done again ${at - (refused?.at ?? 0)} ms after ${refused?.id} was taken back`;
    return refused === undefined ? [] : [{ kind: "again", says }];
  });
}

/** The hours by the clock of whoever took: what may have been taken in either of two hours counts for none. */
function overBudget(unattended: readonly Unattended[], perHour: number): Fault[] {
  const hours = new Map<string, Set<string>>();
  for (const { pod, enteredAt } of unattended) {
    const hour = enteredAt.slice(0, "2026-03-02T08".length);
    const earliest = new Date(new Date(enteredAt).getTime() - TAKEN_BEFORE_MS).toISOString();
    if (earliest.startsWith(hour)) hours.set(hour, (hours.get(hour) ?? new Set()).add(pod));
  }
  return [...hours].flatMap(([hour, pods]): Fault[] => {
    const says = `${[...pods].join(", ")} without a person in the hour ${hour}`;
    return pods.size > perHour ? [{ kind: "budget", says }] : [];
  });
}
