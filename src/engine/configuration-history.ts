import { differenceOf } from "../model/difference.ts";
import { Permanent, Refused } from "../model/errors.ts";
import { packBytes, unpackBytes } from "../store/compressed-cells.ts";
import { CONTROL } from "../store/row-keys.ts";
import { type Operation, type Row, RowConflict } from "../store/table.ts";
import { SCHEMA } from "../store/target-row.ts";
import { noteControl } from "./control-history.ts";
import { type Engine, later } from "./engine.ts";

/** What an instance works by: the file, what the app setting makes of it, and the build. */
interface Working {
  readonly configuration: string;
  readonly build: string;
  readonly ceiling: string;
  readonly held: boolean;
}

/** What was noted last, with all of the file, and what was noted within the last day. */
interface Noted {
  readonly working: Working;
  /** Null: too large to be kept. */
  readonly content: Readonly<Record<string, unknown>> | null;
  readonly recent: readonly { readonly working: Working; readonly at: string }[];
}

const KEY = "configuration-latest";
const AGAIN_MS = 24 * 3_600_000;
const MOST_RECENT = 50;
const TRIES = 5;

/**
 * Notes in the control history what this instance works by, with the difference, where it is not what was noted last.
 * The same file and build at most once in a day: during an update old and new instances take turns, and would note each
 * other for ever. Called once in a process, after the table is there. Raises `StoreUnreachable`.
 */
export async function noteConfiguration(engine: Engine): Promise<void> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const row = await engine.table.get(CONTROL, KEY);
    const noted = row === null ? null : notedOf(row);
    const working = workingOf(engine);
    const now = engine.clock.now();
    const since = later(now, -AGAIN_MS).toISOString();
    const recent = (noted?.recent ?? []).filter(({ at }) => at > since);
    const isKnown = [noted, ...recent].some((one) => one !== null && isSame(one.working, working));
    if (isKnown) return;
    const next: Noted = {
      working,
      content: engine.configuration.content,
      recent: [...recent, { working, at: now.toISOString() }].slice(-MOST_RECENT),
    };
    try {
      await noteControl(
        engine,
        { what: "configuration", word: null, details: detailsOf(engine, working, noted) },
        [operationOf(next, row)],
      );
      return;
    } catch (error) {
      // Another instance noted something meanwhile: perhaps the same.
      if (!(error instanceof RowConflict)) throw error;
    }
  }
}

function workingOf({ configuration, build, held }: Engine): Working {
  return { configuration: configuration.hash, build, ceiling: configuration.ceiling, held };
}

function isSame(one: Working, other: Working): boolean {
  return (
    one.configuration === other.configuration &&
    one.build === other.build &&
    one.ceiling === other.ceiling &&
    one.held === other.held
  );
}

function detailsOf(
  { configuration }: Engine,
  working: Working,
  noted: Noted | null,
): Readonly<Record<string, unknown>> {
  if (noted === null) return { ...working, before: null, difference: [] };
  const difference = noted.content === null ? [] : differenceOf(noted.content, configuration.content);
  return { ...working, before: noted.working, difference };
}

/** A row that somebody altered, or that a newer version wrote in its own form, counts as none: the next one is right. */
function notedOf(row: Row): Noted | null {
  if (row.cells["schema"] !== SCHEMA) return null;
  try {
    return JSON.parse(new TextDecoder().decode(unpackBytes(row.cells))) as Noted;
  } catch (error) {
    if (error instanceof Permanent || error instanceof Refused || error instanceof SyntaxError) return null;
    throw error;
  }
}

function operationOf(noted: Noted, row: Row | null): Operation {
  const cells = { schema: SCHEMA, ...packedOf(noted) };
  return row === null
    ? { do: "insert", key: KEY, cells }
    : { do: "replace", key: KEY, cells, etag: row.etag };
}

/** A file too large to be kept is not compared with the next one; its hash still is. */
function packedOf(noted: Noted): Record<string, Uint8Array> {
  const encode = (value: Noted): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
  try {
    return packBytes(encode(noted));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return packBytes(encode({ ...noted, content: null }));
  }
}
