import { describe, expect, it } from "vitest";
import type { Mode } from "../../src/model/mode.ts";
import { highestMode, modeAt } from "../../src/model/mode-at.ts";
import { type TimeWindow, WEEKDAYS, type Weekday } from "../../src/model/rule.ts";

function window(
  from: string,
  to: string,
  over: { days?: readonly Weekday[]; timezone?: string; mode?: Mode } = {},
): TimeWindow {
  return { days: WEEKDAYS, timezone: "Europe/Berlin", mode: "enforce", from, to, ...over };
}

function at(moment: string, ...windows: TimeWindow[]): Mode {
  return modeAt({ mode: "approve", windows }, new Date(moment));
}

describe("the mode of a moment", () => {
  it("is the rule's own without windows, and outside of every one", () => {
    expect(at("2026-03-02T08:00:00Z")).toBe("approve");
    expect(at("2026-03-02T08:00:00Z", window("20:00", "06:00"))).toBe("approve");
  });

  it.each([
    ["2026-03-02T07:59:59.999Z", "approve"],
    ["2026-03-02T08:00:00Z", "enforce"],
    ["2026-03-02T16:59:59.999Z", "enforce"],
    ["2026-03-02T17:00:00Z", "approve"],
  ])("begins a window with its first minute and ends it before its last: %s", (moment, mode) => {
    expect(at(moment, window("09:00", "18:00"))).toBe(mode);
  });

  it.each([
    ["the evening of the day on which it begins", "2026-03-06T19:00:00Z", "enforce"],
    ["the morning after, though that day is not named", "2026-03-07T04:59:59Z", "enforce"],
    ["its end on the morning after", "2026-03-07T05:00:00Z", "approve"],
    ["the evening of a day that is not named", "2026-03-07T19:00:00Z", "approve"],
    ["the morning of its own day, when none began the day before", "2026-03-06T04:00:00Z", "approve"],
  ])("takes a window over midnight by the day on which it begins: %s", (_what, moment, mode) => {
    // 6 March 2026 is a Friday.
    expect(at(moment, window("20:00", "06:00", { days: ["fri"] }))).toBe(mode);
  });

  it("goes from Sunday into Monday", () => {
    expect(at("2026-03-09T04:00:00Z", window("20:00", "06:00", { days: ["sun"] }))).toBe("enforce");
  });

  it("takes a window that ends when it begins for a whole day", () => {
    const saturday = window("06:00", "06:00", { days: ["sat"] });
    expect(at("2026-03-07T05:00:00Z", saturday)).toBe("enforce");
    expect(at("2026-03-08T04:59:00Z", saturday)).toBe("enforce");
    expect(at("2026-03-08T05:00:00Z", saturday)).toBe("approve");
    expect(at("2026-03-07T04:59:00Z", saturday)).toBe("approve");
  });

  it("lets the first window that holds decide, also where it lowers", () => {
    const night = window("20:00", "06:00");
    const always = window("00:00", "00:00", { mode: "off" });
    expect(at("2026-03-02T21:00:00Z", night, always)).toBe("enforce");
    expect(at("2026-03-02T21:00:00Z", always, night)).toBe("off");
    expect(at("2026-03-02T12:00:00Z", night, always)).toBe("off");
  });

  it.each([
    // Clocks go from 02:00 to 03:00 on 29 March 2026, and from 03:00 back to 02:00 on 25 October.
    ["before the gap", "02:30", "03:30", "2026-03-29T00:59:00Z", "approve"],
    ["after the gap, in which it would have begun", "02:30", "03:30", "2026-03-29T01:00:00Z", "enforce"],
    ["its end on the day of the gap", "02:30", "03:30", "2026-03-29T01:30:00Z", "approve"],
    ["a window inside the gap, which does not occur", "02:15", "02:45", "2026-03-29T01:00:00Z", "approve"],
    ["the hour when it is shown first", "02:00", "03:00", "2026-10-25T00:30:00Z", "enforce"],
    ["the hour when it is shown again", "02:00", "03:00", "2026-10-25T01:30:00Z", "enforce"],
    ["its end after both", "02:00", "03:00", "2026-10-25T02:00:00Z", "approve"],
    ["the night of the longer day", "20:00", "06:00", "2026-10-25T04:59:00Z", "enforce"],
    ["summer time", "20:00", "06:00", "2026-07-01T03:59:00Z", "enforce"],
    ["summer time, over", "20:00", "06:00", "2026-07-01T04:00:00Z", "approve"],
  ])("follows the clock on the wall where it is changed: %s", (_what, from, to, moment, mode) => {
    expect(at(moment, window(from, to))).toBe(mode);
  });

  it.each([
    ["Asia/Kathmandu", "2026-03-02T03:15:00Z"],
    ["America/St_Johns", "2026-03-02T12:30:00Z"],
    ["Pacific/Kiritimati", "2026-03-01T19:00:00Z"],
    ["UTC", "2026-03-02T09:00:00Z"],
  ])("knows zones that are not whole hours, or a day apart: %s", (timezone, moment) => {
    const nine = window("09:00", "09:01", { timezone, days: ["mon"] });
    expect(at(moment, nine)).toBe("enforce");
    expect(at(new Date(new Date(moment).getTime() - 1).toISOString(), nine)).toBe("approve");
    expect(at(new Date(new Date(moment).getTime() + 60_000).toISOString(), nine)).toBe("approve");
  });

  it("is the lowest that the rule has where the time cannot be told", () => {
    const lost = window("00:00", "00:00", { timezone: "Mars/Phobos" });
    const careful = window("09:00", "10:00", { mode: "observe" });
    expect(at("2026-03-02T08:00:00Z", lost)).toBe("approve");
    expect(at("2026-03-02T20:00:00Z", lost, careful)).toBe("observe");
    expect(modeAt({ mode: "approve", windows: [window("00:00", "00:00")] }, new Date(Number.NaN))).toBe(
      "approve",
    );
  });
});

describe("the highest mode of a rule", () => {
  it("is that of its highest window or its own", () => {
    const windows = [
      window("01:00", "02:00", { mode: "observe" }),
      window("03:00", "04:00", { mode: "approve" }),
    ];
    expect(highestMode({ mode: "off", windows })).toBe("approve");
    expect(highestMode({ mode: "enforce", windows })).toBe("enforce");
    expect(highestMode({ mode: "observe", windows: [] })).toBe("observe");
  });
});
