import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseCron } from "../../../local/functions-host/cron-schedule.ts";

function following(expression: string, after: string, count = 1): string[] {
  const schedule = parseCron(expression);
  let at = new Date(after);
  return Array.from({ length: count }, () => {
    at = schedule.next(at);
    return at.toISOString().replace(".000Z", "Z");
  });
}

describe("a CRON schedule", () => {
  it.each([
    ["*/30 * * * * *", "2026-03-01T10:00:05.123Z", "2026-03-01T10:00:30Z"],
    ["*/30 * * * * *", "2026-03-01T10:00:30Z", "2026-03-01T10:01:00Z"],
    ["0 */5 * * * *", "2026-03-01T10:58:00Z", "2026-03-01T11:00:00Z"],
    ["0 17 * * * *", "2026-03-01T10:17:00Z", "2026-03-01T11:17:00Z"],
    ["10/20 * * * * *", "2026-03-01T10:00:00Z", "2026-03-01T10:00:10Z"],
    ["5,1,3 0 0 * * *", "2026-03-01T00:00:01Z", "2026-03-01T00:00:03Z"],
    ["0 0 9-17/4 * * *", "2026-03-01T13:00:00Z", "2026-03-01T17:00:00Z"],
    ["0 0 0 29 2 *", "2026-03-01T00:00:00Z", "2028-02-29T00:00:00Z"],
    ["0 0 0 1 JAN *", "2026-03-01T00:00:00Z", "2027-01-01T00:00:00Z"],
    ["0 30 9 * * 1-5", "2026-02-27T09:30:00Z", "2026-03-02T09:30:00Z"],
    ["0 0 0 * * 7", "2026-03-01T00:00:00Z", "2026-03-08T00:00:00Z"],
    ["0 0 0 * * Fri-7", "2026-03-01T00:00:00Z", "2026-03-06T00:00:00Z"],
    ["0 0 0 13 * 5", "2026-03-13T00:00:00Z", "2026-11-13T00:00:00Z"],
    ["59 59 23 31 12 *", "2026-12-31T23:59:58Z", "2026-12-31T23:59:59Z"],
  ])("%s after %s comes at %s", (expression, after, expected) => {
    expect(following(expression, after)).toEqual([expected]);
  });

  it("gives the moments one after another over the end of a day and a month", () => {
    expect(following("0 0 */12 * * *", "2026-02-27T23:00:00Z", 4)).toEqual([
      "2026-02-28T00:00:00Z",
      "2026-02-28T12:00:00Z",
      "2026-03-01T00:00:00Z",
      "2026-03-01T12:00:00Z",
    ]);
  });

  it("always goes forward to a moment whose fields match, and skips none for plain seconds", () => {
    const step = fc.integer({ min: 1, max: 59 });
    const start = fc.date({ min: new Date("2020-01-01"), max: new Date("2040-01-01"), noInvalidDate: true });
    fc.assert(
      fc.property(step, step, start, (seconds, minutes, after) => {
        const next = parseCron(`*/${seconds} */${minutes} * * * *`).next(after);
        expect(next.getTime()).toBeGreaterThan(after.getTime());
        expect([next.getUTCSeconds() % seconds, next.getUTCMinutes() % minutes]).toEqual([0, 0]);
        for (let at = Math.floor(after.getTime() / 1000) * 1000 + 1000; at < next.getTime(); at += 1000) {
          const between = new Date(at);
          const matches = between.getUTCSeconds() % seconds === 0 && between.getUTCMinutes() % minutes === 0;
          if (matches) expect.fail(`${between.toISOString()} was left out`);
        }
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    ["* * * * *", "six"],
    ["60 * * * * *", "second"],
    ["0 0 24 * * *", "hour"],
    ["0 0 0 0 * *", "day"],
    ["0 0 0 * 13 *", "month"],
    ["0 0 0 * * 8", "day of week"],
    ["*/0 * * * * *", "step"],
    ["*/x * * * * *", "step"],
    ["30-10 * * * * *", "backwards"],
    ["1.5 * * * * *", "second"],
    ["x * * * * *", "second"],
  ])("refuses %s and names what is wrong", (expression, word) => {
    expect(() => parseCron(expression)).toThrow(word);
  });

  it("says that a day which never comes never comes", () => {
    expect(() => parseCron("0 0 0 30 2 *").next(new Date("2026-01-01"))).toThrow("never comes");
  });
});
