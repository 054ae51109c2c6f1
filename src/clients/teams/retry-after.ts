const LEAST_MS = 1_000;
const MOST_MS = 3_600_000;

/**
 * How long a response asks to wait, in milliseconds between a second and an hour; `otherwise` where it does not say.
 * A date is counted from the response's own `Date`, so that nobody's clock matters.
 */
export function retryAfterMs(headers: Pick<Headers, "get">, otherwise: number): number {
  const value = headers.get("retry-after")?.trim() ?? "";
  const asked = /^\d{1,9}$/.test(value)
    ? Number(value) * 1000
    : Date.parse(value) - Date.parse(headers.get("date") ?? "");
  return Number.isNaN(asked) ? otherwise : Math.min(Math.max(asked, LEAST_MS), MOST_MS);
}
