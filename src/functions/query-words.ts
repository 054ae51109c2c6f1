import type { HttpRequest } from "@azure/functions";
import { BadRequest } from "./problem.ts";

/** The key of an address, which the host reads; every function lets it pass. */
const KEY = "code";

/** Raises `BadRequest` for a parameter that the function does not know: what is misspelt must not be ignored. */
export function onlyKnown({ query }: HttpRequest, known: readonly string[]): void {
  for (const name of query.keys()) {
    if (name === KEY || known.includes(name)) continue;
    throw new BadRequest(`${name.slice(0, 40)}: no such parameter. Use ${known.join(", ")}.`);
  }
}

/** A time of the query; null where it is not given. Raises `BadRequest`. */
export function timeOf({ query }: HttpRequest, name: string): Date | null {
  const text = query.get(name);
  if (text === null) return null;
  const time = new Date(text);
  const year = time.getUTCFullYear();
  if (!(year >= 1970 && year < 2200))
    throw new BadRequest(`${name}: give an ISO 8601 time, such as 2026-03-02T08:00:00Z.`);
  return time;
}

/** A whole number of the query from 1 to `most`; `usual` where it is not given. Raises `BadRequest`. */
export function limitOf({ query }: HttpRequest, usual: number, most: number): number {
  const text = query.get("limit");
  const limit = text === null ? usual : Number(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= most) return limit;
  throw new BadRequest(`limit: give a whole number from 1 to ${most}.`);
}

/** Where the page before ended; null at the start. Raises `BadRequest` where it is not as a page gives it. */
export function afterOf({ query }: HttpRequest, isCursor: (text: string) => boolean): string | null {
  const after = query.get("after");
  if (after === null || isCursor(after)) return after;
  throw new BadRequest("after: give the `next` of the page before.");
}
