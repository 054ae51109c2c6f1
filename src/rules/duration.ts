const UNIT_MS = [86_400_000, 3_600_000, 60_000, 1000] as const;
const WRITTEN = /^(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?$/;
/** Ten years: beyond any sensible deadline, and far within what a date can hold. */
const LONGEST_MS = 3650 * 86_400_000;

/** What `parseDuration` understands, for error messages. */
export const DURATION_ADVICE = "write days, hours, minutes and seconds such as 30s, 10m, 8h, 1h30m or 2d";

/** Milliseconds of `30s`, `10m`, `8h`, `2d` or `1h30m` (largest unit first); null for anything else and for more than 3650d. */
export function parseDuration(text: string): number | null {
  const parts = WRITTEN.exec(text);
  if (parts === null || text === "") {
    return null;
  }
  const ms = UNIT_MS.reduce((sum, unit, index) => sum + Number(parts[index + 1] ?? 0) * unit, 0);
  return ms <= LONGEST_MS ? ms : null;
}
