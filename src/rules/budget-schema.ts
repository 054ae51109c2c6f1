import { z } from "zod";
import { duration } from "./schema-words.ts";

const DAY_MS = 24 * 3_600_000;

/** So many targets in an hour without a person. 0: never without one. */
export const perHour = z.int().min(0).max(1_000);

/** A part of a whole from 0 to 1, also written as `50%`. */
const share = z.union([z.number(), z.string()], { error: noShare }).transform((written, context) => {
  const percent = typeof written === "string" ? /^(\d{1,3}(?:\.\d{1,3})?) ?%$/.exec(written)?.[1] : undefined;
  const value = typeof written === "number" ? written : Number(percent ?? Number.NaN) / 100;
  if (!(value >= 0 && value <= 1)) {
    context.issues.push({ code: "custom", input: written, message: noShare({ input: written }) });
    return z.NEVER;
  }
  return value;
});

function noShare({ input }: { readonly input?: unknown }): string {
  return `${JSON.stringify(input ?? null)} is no share; write a percentage such as 50%, or a number from 0 to 1`;
}

/** The schema of `budgets`; each part has a default, so that nothing is without a bound. */
export const budgetSchema = z.strictObject({
  perPlaybook: perHour.default(20),
  perRule: perHour.default(20),
  perCluster: perHour.default(30),
  perNamespace: perHour.default(10),
  perSubscription: perHour.default(50),
  shareOfWorkload: share.default(0.5),
  shareOfNamespace: share.default(0.5),
  messagesPerChannel: z.int().min(1).max(1_000).default(60),
});

/** The schema of `breaker`: so many failures or reverts by people within the time trip a rule to observe. */
export const breakerSchema = z.strictObject({
  after: z.int().min(1).max(100).default(3),
  within: duration(60_000).default(DAY_MS),
});
