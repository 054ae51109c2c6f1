import { z } from "zod";
import { describeTarget, targetSchema } from "../src/model/target.ts";

const text = z.string().nullish();
const person = z.looseObject({ who: z.string(), why: z.string() }).nullish();

/** What the command shows of a remediation; an app of another version may know more or less. */
export const recordSchema = z.looseObject({
  id: z.string(),
  playbook: z.string(),
  state: z.string(),
  target: z.unknown(),
  proof: text,
  reason: text,
  remains: z.array(z.string()).nullish(),
  mode: text,
  rule: z.looseObject({ name: z.string() }).nullish(),
  signal: z.looseObject({ id: z.string(), kind: text, key: text, title: text, severity: text }).nullish(),
  requestedBy: person,
  revertedBy: person,
  approval: person,
  /** Something was written. */
  touched: z.boolean().nullish(),
  createdAt: text,
  updatedAt: text,
  inForceSince: text,
  deadline: text,
});

/** See `recordSchema`. */
export type RecordAnswer = z.infer<typeof recordSchema>;

/** A target of an answer in a few words; one of a kind that this version does not know, as it came. */
export function targetWords(target: unknown): string {
  const known = targetSchema.safeParse(target);
  return known.success ? describeTarget(known.data) : (JSON.stringify(target) ?? "");
}
