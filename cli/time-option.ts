import { parseDuration } from "../src/rules/index.ts";
import { Stop } from "./stop.ts";

const ISO = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/;

/** A time as ISO 8601 in UTC, written as `2h` (so long ago) or as ISO 8601, in UTC where it names no zone. Raises `Stop`. */
export function timeOption(name: string, text: string | undefined, now: Date): string | undefined {
  if (text === undefined) return undefined;
  const ago = parseDuration(text);
  if (ago !== null) return new Date(now.getTime() - ago).toISOString();
  const written = ISO.exec(text);
  const time = new Date(
    written !== null && text.includes("T") && written[1] === undefined ? `${text}Z` : text,
  );
  if (written !== null && !Number.isNaN(time.getTime())) return time.toISOString();
  throw new Stop(2, `${name} ${text} is no time; write 2h for two hours ago, or 2026-03-02T08:00:00Z`);
}
