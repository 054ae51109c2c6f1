import { appendFileSync, mkdirSync } from "node:fs";
import process from "node:process";

/** Does this run show the figures of the promises, or each case once? */
export const LONG = process.env["REFLEX_LONG"] === "true";

/** The figure of the long run, or that of every run. */
export function figure(long: number, short: number): number {
  return LONG ? long : short;
}

/** The seed of this run; the same seed, the same stories. */
export const SEED = Number(process.env["REFLEX_SEED"] ?? 20_261_124);

/** Notes one line of the table of figures, for `docs/promises.md`. */
export function noteFigure(suite: string, what: string, value: string | number): void {
  console.log(`${suite}: ${what}: ${value} (seed ${SEED})`);
  if (!LONG) return;
  mkdirSync(".vitest", { recursive: true });
  appendFileSync(".vitest/figures.jsonl", `${JSON.stringify({ suite, what, value: String(value) })}\n`);
}
