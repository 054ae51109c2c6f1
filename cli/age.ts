/** How long ago in the largest whole unit: `45s`, `12m`, `3h`, `9d`. Clocks may differ: what lies ahead is `0s`; what is no time is empty. */
export function ageOf(at: string | null | undefined, now: Date): string {
  if (at == null) return "";
  const seconds = Math.max(0, Math.floor((now.getTime() - Date.parse(at)) / 1000));
  if (Number.isNaN(seconds)) return "";
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`;
}
