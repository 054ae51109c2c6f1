import { z } from "zod";
import type { CommandIo } from "./command-io.ts";
import { printLine } from "./print.ts";

const texts = z.array(z.string()).nullish();

/** What the command shows of a plan. */
export const planSchema = z.looseObject({
  steps: z.array(z.looseObject({ sentence: z.string(), touches: texts })),
  impact: z.string().nullish(),
  limits: texts,
  hash: z.string().nullish(),
});

/** Prints a plan for people: its steps, what it means, and the hash by which it is approved. */
export function printPlan(io: CommandIo, { steps, impact, limits, hash }: z.infer<typeof planSchema>): void {
  printLine(io, "");
  printLine(io, "Plan");
  for (const [at, { sentence, touches }] of steps.entries()) {
    printLine(io, `  ${at + 1}. ${sentence}`);
    for (const field of touches ?? []) printLine(io, `     touches ${field}`);
  }
  if (impact != null && impact !== "") printLine(io, `  Impact: ${impact}`);
  for (const limit of limits ?? []) printLine(io, `  Not covered: ${limit}`);
  if (hash != null && hash !== "") printLine(io, `  Hash: ${hash}`);
}
