import { parseImageReference } from "./image-reference.ts";

/**
 * What the name of every trusted image begins with, with a slash at the end: `reg.example` and `reg.example/team` trust all
 * below, and not what merely begins so. Null where the text names no registry by its host.
 */
export function trustedPrefix(text: string): string | null {
  const parsed = parseImageReference(`${text}/x:1`);
  const host = text.split("/")[0] ?? "";
  const isWhole = parsed !== null && parsed.repository === `${text}/x` && text === text.toLowerCase();
  return isWhole && (/[.:]/.test(host) || host === "localhost") ? `${text}/` : null;
}
