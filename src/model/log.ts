/** One structured line for the operator: what happened, with the facts; never a payload, a secret or a response body. */
export interface LogEntry {
  readonly level: "info" | "warning" | "error";
  readonly event: string;
  readonly facts: Readonly<Record<string, string | number | boolean | null>>;
}

/** Where log lines go. */
export type Log = (entry: LogEntry) => void;
