import type { Severity } from "../model/signal.ts";
import { textOf } from "./json-value.ts";

const SEVERITIES: readonly Severity[] = ["Informational", "Low", "Medium", "High", "Critical"];

/** A severity in any casing as the model writes it; null for words that Defender does not use. */
export function severityOf(value: unknown): Severity | null {
  const text = textOf(value)?.trim().toLowerCase();
  return SEVERITIES.find((severity) => severity.toLowerCase() === text) ?? null;
}
