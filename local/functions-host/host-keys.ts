import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";

/** The keys that open HTTP functions whose level is not anonymous. */
export interface HostKeys {
  /** Opens every function of level `function`. */
  readonly host: string;
  /** Opens everything, level `admin` included. */
  readonly master: string;
  /** Keys of single functions, by function name. */
  readonly functions?: Readonly<Record<string, string>>;
}

function same(given: string, wanted: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return wanted !== "" && timingSafeEqual(digest(given), digest(wanted));
}

/** Whether the request may call the function: the header `x-functions-key` wins over `?code=`. */
export function mayCall(
  request: IncomingMessage,
  url: URL,
  functionName: string,
  authLevel: unknown,
  keys: HostKeys,
): boolean {
  const level = String(authLevel ?? "anonymous").toLowerCase();
  if (level === "anonymous") return true;
  const header = request.headers["x-functions-key"];
  const given = typeof header === "string" ? header : (url.searchParams.get("code") ?? "");
  if (same(given, keys.master)) return true;
  if (level !== "function") return false;
  return same(given, keys.host) || same(given, keys.functions?.[functionName] ?? "");
}
