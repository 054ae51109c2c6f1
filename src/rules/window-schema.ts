import { z } from "zod";
import { MODES } from "../model/mode.ts";
import { WEEKDAYS, type Weekday } from "../model/rule.ts";
import { unknownWord } from "./fault-sentence.ts";
import { oneOrMany, textOf, textWithout } from "./schema-words.ts";

const GROUPS: Readonly<Record<"weekdays" | "weekend" | "all", readonly Weekday[]>> = {
  weekdays: ["mon", "tue", "wed", "thu", "fri"],
  weekend: ["sat", "sun"],
  all: WEEKDAYS,
};

const days = oneOrMany(z.enum([...WEEKDAYS, "weekdays", "weekend", "all"])).transform((words) => {
  const named = new Set(
    words.flatMap((word) =>
      word === "weekdays" || word === "weekend" || word === "all" ? GROUPS[word] : [word],
    ),
  );
  return WEEKDAYS.filter((day) => named.has(day));
});

const timeOfDay = textOf(
  /^(?:[01]\d|2[0-3]):[0-5]\d$/,
  "write hours and minutes from 00:00 to 23:59, such as 06:30",
);

const timezone = textWithout((text) =>
  isTimezone(text)
    ? null
    : `${unknownWord(text, "a time zone", Intl.supportedValuesOf("timeZone"))}; write a name such as Europe/Berlin`,
);

/** The schema of one window of a rule: days on which it begins (default all), from, to, zone and mode. */
export const windowSchema = z.strictObject({
  days: days.default([...WEEKDAYS]),
  from: timeOfDay,
  to: timeOfDay,
  timezone,
  mode: z.enum(MODES),
});

/** An offset such as +01:00 is none: it would be wrong for half of the year. */
function isTimezone(text: string): boolean {
  if (!/^[A-Za-z]/.test(text)) return false;
  try {
    return new Intl.DateTimeFormat("en-US", { timeZone: text }) !== null;
  } catch {
    return false;
  }
}
