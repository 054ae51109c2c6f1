import { z } from "zod";
import type { Exception } from "../model/rule.ts";
import { globText, type KnownNames, nameAmong, textOf } from "./schema-words.ts";
import { scopeEntry } from "./scope-schema.ts";

const DAY_MS = 86_400_000;
const DAY = /^\d{4}-\d\d-\d\d$/;
const MOMENT = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d)$/;

const sentence = textOf(/^(?=.*\S)[^\p{Cc}]{1,500}$/u, "write one line of at most 500 characters");

const until = z.string().transform((text, context) => {
  const end = endOf(text);
  if (end === null) {
    const message = `${JSON.stringify(text)} is no day and no time; write 2026-12-31 (the end of that day, UTC) or 2026-12-31T18:00:00Z`;
    context.issues.push({ code: "custom", input: text, message });
    return z.NEVER;
  }
  return end;
});

/** The schema of one exception. A day ends it at the end of that day, UTC; `until` is a time after parsing. */
export function exceptionSchema(known: KnownNames, name: z.ZodType<string>) {
  const playbooks = known.playbooks.map((playbook) => playbook.name);
  return z
    .strictObject({
      name,
      owner: sentence,
      reason: sentence,
      until,
      rule: nameAmong(known.rules, "a rule of this file").optional(),
      playbook: nameAmong(playbooks, "a playbook").optional(),
      key: globText.optional(),
      where: scopeEntry(known).optional(),
    })
    .transform((entry, context): Exception => {
      const { rule = null, playbook = null, key = null, where = null, ...rest } = entry;
      if ([rule, playbook, key, where].every((part) => part === null)) {
        const message =
          "leaves everything alone; say what by rule, playbook, key or where, or set mode: observe";
        context.addIssue({ code: "custom", path: [], input: entry, message });
      }
      return { ...rest, rule, playbook, key, where };
    });
}

/** ISO 8601 in UTC; null for what is no day of the calendar and no time. */
function endOf(text: string): string | null {
  const [, day = text] = MOMENT.exec(text) ?? [];
  const midnight = new Date(DAY.test(day) ? `${day}T00:00:00Z` : Number.NaN);
  // 30 February would be read as 2 March.
  if (Number.isNaN(midnight.getTime()) || !midnight.toISOString().startsWith(day)) return null;
  const end = new Date(day === text ? midnight.getTime() + DAY_MS : text);
  return Number.isNaN(end.getTime()) ? null : end.toISOString();
}
