import { approve, type Yes } from "../../src/engine/approve.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { Conflict, Refused, Retryable } from "../../src/model/errors.ts";
import type { AnyPlaybook } from "../../src/model/playbook.ts";
import type { Remediation } from "../../src/model/remediation.ts";
import type { Word } from "../../src/model/word.ts";
import { StoreUnreachable } from "../../src/store/table.ts";
import { alert, type Bench, bench, configuration, notice } from "./harness.ts";
import { another, hooksOf, shardOfWeb } from "./processes.ts";
import { quarantine } from "./quarantine.ts";

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

export const ANN: Word = { who: "ann", id: "t/ann", why: "it is a miner" };
export const BOB: Word = { who: "bob", id: "t/bob", why: "looked at it too" };

/** The remediation begun last. */
export function latest(b: Bench): Remediation {
  const [record] = b.records().toSorted((one, other) => (one.createdAt > other.createdAt ? -1 : 1));
  if (record === undefined) throw new Error("there is no record");
  return record;
}

/** A bench on which one alert's containment waits for a person, for four hours. */
export async function asking(more: Parameters<typeof bench>[0] = {}): Promise<Bench> {
  const b = bench({
    configuration: configuration("approve", (text) =>
      text.replace("ttl: 8h } ]", "ttl: 8h } ]\n    approveWithin: 4h"),
    ),
    ...more,
  });
  await b.ingest(alert());
  return b;
}

/** A yes to the plan that is there now. */
export function yes(b: Bench, more: Partial<Yes> = {}): Yes {
  return { word: ANN, planHash: latest(b).planHash ?? "", kind: "person", ...more };
}

/** Somebody approves what is there now. */
export function approves(b: Bench, more: Partial<Yes> = {}, engine: Engine = b.engine): Promise<Remediation> {
  return approve(engine, latest(b).id, yes(b, more));
}

/** The playbooks of a bench with the quarantine changed. */
export function changed(more: Partial<AnyPlaybook>): Pick<Engine, "playbooks"> {
  const playbooks = [{ ...quarantine, ...more }, notice];
  return { playbooks: new Map(playbooks.map((one) => [one.name, one])) };
}

/** What somebody is told who comes at a bad moment: that is an answer too. */
export async function heard<T>(act: Promise<T>): Promise<T | "not now" | "too late" | "refused"> {
  try {
    return await act;
  } catch (error) {
    if (error instanceof Retryable || error instanceof StoreUnreachable) return "not now";
    if (error instanceof Conflict) return "too late";
    if (error instanceof Refused) return "refused";
    throw error;
  }
}

/**
 * Something happens while a process stands still at its n-th place to stop, for every n in turn, each time on a bench of
 * its own. How many places there were.
 */
export async function atEveryPlace(
  make: () => Promise<Bench>,
  act: (b: Bench, engine: Engine) => Promise<unknown>,
  happens: (b: Bench) => Promise<unknown>,
  check: (b: Bench, place: string) => void | Promise<void>,
): Promise<number> {
  for (let index = 0; ; index += 1) {
    const b = await make();
    const passed: string[] = [];
    const at = async (point: string): Promise<null> => {
      passed.push(point);
      if (passed.length === index + 1) await happens(b);
      return null;
    };
    const parts = { table: shardOfWeb(b.table, { at }), ports: b.world.ports(hooksOf({ at })) };
    await heard(act(b, another(b, parts)));
    if (passed.length <= index) return index;
    await check(b, `${index}: ${passed[index]}`);
  }
}
