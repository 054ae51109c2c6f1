/** A six-field CRON schedule in UTC. */
export interface CronSchedule {
  /** The first moment of the schedule that is later than `after`. */
  next(after: Date): Date;
}

interface Field {
  readonly name: string;
  readonly low: number;
  readonly high: number;
  /** Names that may stand for numbers, the first for `low`. */
  readonly words: readonly string[];
}

const FIELDS: readonly Field[] = [
  { name: "second", low: 0, high: 59, words: [] },
  { name: "minute", low: 0, high: 59, words: [] },
  { name: "hour", low: 0, high: 23, words: [] },
  { name: "day", low: 1, high: 31, words: [] },
  {
    name: "month",
    low: 1,
    high: 12,
    words: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
  },
  { name: "day of week", low: 0, high: 6, words: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] },
];

/** No schedule that has a moment at all needs longer: 29 February on one weekday comes within 40 years. */
const SEARCH_DAYS = 366 * 41;

function numberIn(text: string, field: Field): number {
  const word = field.words.indexOf(text.toLowerCase());
  if (word !== -1) return word + field.low;
  // Sunday may be written 7.
  const value = field.name === "day of week" && text === "7" ? 0 : Number(text);
  if (!/^\d+$/.test(text) || value < field.low || value > field.high) {
    throw new Error(`CRON: "${text}" is no ${field.name} between ${field.low} and ${field.high}.`);
  }
  return value;
}

function rangeIn(text: string, field: Field, open: boolean): { from: number; to: number } {
  if (text === "*") return { from: field.low, to: field.high };
  const [first = "", last] = text.split("-");
  const from = numberIn(first, field);
  if (last !== undefined) {
    // A week that ends on Sunday: 5-7 is Friday to Sunday.
    const to = field.name === "day of week" && last === "7" ? 7 : numberIn(last, field);
    if (to < from) throw new Error(`CRON: the range "${text}" of the ${field.name} runs backwards.`);
    return { from, to };
  }
  return { from, to: open ? field.high : from };
}

function parseField(text: string, field: Field): ReadonlySet<number> {
  const values = new Set<number>();
  for (const part of text.split(",")) {
    const [range = "", stepText] = part.split("/");
    if (stepText !== undefined && !/^[1-9]\d*$/.test(stepText)) {
      throw new Error(`CRON: the step "${stepText}" of the ${field.name} must be a positive whole number.`);
    }
    const { from, to } = rangeIn(range, field, stepText !== undefined);
    const step = Number(stepText ?? 1);
    for (let value = from; value <= to; value += step)
      values.add(field.name === "day of week" ? value % 7 : value);
  }
  return values;
}

/**
 * Parses `{second} {minute} {hour} {day} {month} {day of week}` with `*`, lists, ranges, steps and English
 * names. Day and day of week must both match, as NCRONTAB has it. Raises an error that names the field.
 */
export function parseCron(expression: string): CronSchedule {
  const texts = expression.trim().split(/\s+/);
  if (texts.length !== FIELDS.length) {
    throw new Error(`CRON: "${expression}" has ${texts.length} fields, this host wants six (seconds first).`);
  }
  const sets = FIELDS.map((field, index) => parseField(texts[index] ?? "", field));
  const [seconds, minutes, hours, days, months, weekdays] = sets;
  if (!seconds || !minutes || !hours || !days || !months || !weekdays)
    throw new Error("CRON: a field is missing.");

  // Seconds since midnight of every moment of a matching day.
  const times: number[] = [];
  for (const hour of hours) {
    for (const minute of minutes)
      for (const second of seconds) times.push(hour * 3600 + minute * 60 + second);
  }
  times.sort((left, right) => left - right);

  return {
    next(after: Date): Date {
      const start = new Date(Math.floor(after.getTime() / 1000) * 1000 + 1000);
      let from = start.getUTCHours() * 3600 + start.getUTCMinutes() * 60 + start.getUTCSeconds();
      const day = new Date(Date.UTC(start.getUTCFullYear(), start.getUTCMonth(), start.getUTCDate()));
      for (let searched = 0; searched < SEARCH_DAYS; searched += 1) {
        const today =
          months.has(day.getUTCMonth() + 1) && days.has(day.getUTCDate()) && weekdays.has(day.getUTCDay());
        const time = today ? times.find((candidate) => candidate >= from) : undefined;
        if (time !== undefined) return new Date(day.getTime() + time * 1000);
        day.setUTCDate(day.getUTCDate() + 1);
        from = 0;
      }
      throw new Error(`CRON: "${expression}" never comes.`);
    },
  };
}
