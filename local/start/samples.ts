import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Expectation, expectationSchema } from "./expectation.ts";

/** One payload with what is expected of it. */
export interface Sample {
  /** File name without its ending: `12-miner`. */
  readonly name: string;
  /** As it is in the file, with its tokens. */
  readonly text: string;
  readonly expected: Expectation;
}

const EXPECTED = ".expected.json";
const MINUTES_AGO = /\{\{minutes-ago:(\d+)\}\}/g;

/**
 * The payloads of a folder (`events` inside it) in the order of their names. Raises an error that names the file where
 * an expectation is missing or not as it should be.
 */
export function readSamples(folder: string): Sample[] {
  const events = join(folder, "events");
  const names = readdirSync(events).sort();
  return names
    .filter((name) => !name.endsWith(EXPECTED))
    .map((name) => {
      const stem = name.replace(/\.[^.]*$/, "");
      const expected = expectationSchema.safeParse(read(join(events, stem + EXPECTED)));
      if (!expected.success) {
        const [issue] = expected.error.issues;
        throw new Error(`${stem}${EXPECTED}: ${issue?.path.join(".")}: ${issue?.message}`);
      }
      return { name: stem, text: readFileSync(join(events, name), "utf8"), expected: expected.data };
    });
}

function read(file: string): unknown {
  return JSON.parse(readFileSync(file, "utf8"));
}

/** A payload as it is sent: `{{minutes-ago:10}}` becomes that time, ISO 8601, since the age of an alert matters. */
export function withTimes(text: string, now: Date): string {
  return text.replaceAll(MINUTES_AGO, (_token, minutes: string) =>
    new Date(now.getTime() - Number(minutes) * 60_000).toISOString(),
  );
}
