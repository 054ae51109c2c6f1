import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MODES } from "../../src/model/mode.ts";
import { highestMode, modeAt } from "../../src/model/mode-at.ts";
import { WEEKDAYS } from "../../src/model/rule.ts";

const ZONES = [
  "UTC",
  "Europe/Berlin",
  "America/New_York",
  "America/St_Johns",
  "Asia/Kathmandu",
  "Australia/Lord_Howe",
  "Pacific/Kiritimati",
  "Pacific/Marquesas",
  "Africa/Casablanca",
];
const MINUTE_MS = 60_000;

const time = fc
  .tuple(fc.nat({ max: 23 }), fc.nat({ max: 59 }))
  .map(([hour, minute]) => `${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}`);
const window = fc.record({
  days: fc.subarray([...WEEKDAYS], { minLength: 1 }),
  from: time,
  to: time,
  timezone: fc.constantFrom(...ZONES),
  mode: fc.constantFrom(...MODES),
});
const rule = fc.record({ mode: fc.constantFrom(...MODES), windows: fc.array(window, { maxLength: 4 }) });
const moment = fc
  .date({ min: new Date("2020-01-01T00:00:00Z"), max: new Date("2035-01-01T00:00:00Z"), noInvalidDate: true })
  .map((date) => new Date(Math.floor(date.getTime() / MINUTE_MS) * MINUTE_MS));

/** Told another way: by the zone's distance from UTC at that moment, and minutes of the week since it began. */
function holds(
  { days, from, to, timezone }: typeof window extends fc.Arbitrary<infer W> ? W : never,
  at: Date,
) {
  const named = new Intl.DateTimeFormat("en-US", { timeZone: timezone, timeZoneName: "longOffset" })
    .formatToParts(at)
    .find(({ type }) => type === "timeZoneName")?.value;
  const [, sign = "+", hours = "0", minutes = "0"] = /GMT(?:([+-])(\d\d):(\d\d))?/.exec(named ?? "") ?? [];
  const offset = (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
  const local = new Date(at.getTime() + offset * MINUTE_MS);
  const ofWeek = ((local.getUTCDay() + 6) % 7) * 1440 + local.getUTCHours() * 60 + local.getUTCMinutes();
  const ofDay = (text: string) => Number(text.split(":")[0]) * 60 + Number(text.split(":")[1]);
  const length = (ofDay(to) - ofDay(from) + 1440) % 1440 || 1440;
  return days.some(
    (day) => (ofWeek - (WEEKDAYS.indexOf(day) * 1440 + ofDay(from)) + 10_080) % 10_080 < length,
  );
}

describe("the mode of a moment, for any rule", () => {
  it("is that of the first window in whose minutes of the week it is, else the rule's own", () => {
    fc.assert(
      fc.property(rule, moment, (one, at) => {
        const expected = one.windows.find((each) => holds(each, at))?.mode ?? one.mode;
        expect(modeAt(one, at)).toBe(expected);
      }),
      { numRuns: 2_000 },
    );
  });

  it("follows every change of the clocks of two years, minute by minute around it", () => {
    for (const timezone of ZONES) {
      const [windows] = fc.sample(fc.array(window, { minLength: 3, maxLength: 3 }), { seed: 7, numRuns: 1 });
      const own = { mode: "observe" as const, windows: (windows ?? []).map((one) => ({ ...one, timezone })) };
      for (const day of [
        "2026-03-08",
        "2026-03-29",
        "2026-04-05",
        "2026-10-04",
        "2026-10-25",
        "2026-11-01",
      ]) {
        for (let minute = -180; minute < 24 * 60; minute += 13) {
          const at = new Date(new Date(`${day}T00:00:00Z`).getTime() + minute * MINUTE_MS);
          expect(modeAt(own, at)).toBe(own.windows.find((each) => holds(each, at))?.mode ?? own.mode);
        }
      }
    }
  });

  it("is never above the highest, and the highest is one that the rule has", () => {
    fc.assert(
      fc.property(rule, moment, (one, at) => {
        const highest = highestMode(one);
        expect(MODES.indexOf(modeAt(one, at))).toBeLessThanOrEqual(MODES.indexOf(highest));
        expect([one.mode, ...one.windows.map(({ mode }) => mode)]).toContain(highest);
      }),
    );
  });
});
