import { describe, expect, it } from "vitest";
import { retryAfterMs } from "../../../src/clients/teams/retry-after.ts";

describe("retryAfterMs", () => {
  const date = "Sun, 01 Mar 2026 12:00:00 GMT";

  it.each([
    ["seconds", { "retry-after": "17" }, 17_000],
    [
      "a date, counted from the response's own",
      { "retry-after": "Sun, 01 Mar 2026 12:01:30 GMT", date },
      90_000,
    ],
    ["at least a second", { "retry-after": "0" }, 1_000],
    [
      "at least a second for a date that is over",
      { "retry-after": "Sun, 01 Mar 2026 11:00:00 GMT", date },
      1_000,
    ],
    ["at most an hour", { "retry-after": "999999" }, 3_600_000],
    ["the default where there is none", {}, 5],
    ["the default for a date without another to count from", { "retry-after": date }, 5],
    ["the default for nonsense", { "retry-after": "soon", date }, 5],
  ])("understands %s", (_name, headers, expected) => {
    expect(retryAfterMs(new Headers(Object.entries(headers)), 5)).toBe(expected);
  });
});
