const TIME = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):?(\d\d))?$/i;

/**
 * Defender's times (up to seven decimals, UTC where no zone is given) as ISO 8601 in UTC with milliseconds, cut
 * and not rounded. Null for what is no time of the calendar, and for year 1, which .NET writes for "not set".
 */
export function isoTime(value: unknown): string | null {
  const match = typeof value === "string" ? TIME.exec(value.trim()) : null;
  if (match === null) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  const ms = Number((match[7] ?? "").slice(0, 3).padEnd(3, "0"));
  if (year < 1900 || hour > 23 || minute > 59 || second > 59) return null;
  const time = Date.UTC(year, month - 1, day, hour, minute, second, ms);
  const read = new Date(time);
  // A day that the month does not have moves the date into another month.
  if (read.getUTCMonth() !== month - 1) return null;
  const offset = (Number(match[9] ?? 0) * 60 + Number(match[10] ?? 0)) * 60_000;
  return new Date(match[8] === "-" ? time + offset : time - offset).toISOString();
}
