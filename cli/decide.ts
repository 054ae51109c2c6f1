import { openApi, understood } from "./api.ts";
import type { CommandIo } from "./command-io.ts";
import { printJson } from "./print.ts";
import { printRecord } from "./print-record.ts";
import { type RecordAnswer, recordSchema } from "./record.ts";
import { remediationPath } from "./remediation-path.ts";
import { Stop } from "./stop.ts";

/** Options of every command that decides about one remediation. */
export interface DecisionOptions {
  readonly reason: string;
  readonly url?: string;
  readonly json?: boolean;
}

/** What can be decided about a remediation, as the API calls it. */
export type Decision = "approve" | "reject" | "extend" | "retry" | "revert";

/** Raises `Stop` where the reason is blank: the app would refuse it each time. */
export function mustSayWhy(reason: string): void {
  if (reason.trim() === "") throw new Stop(2, "say why: --reason TEXT");
}

/** Sends a decision about one remediation and prints what became of it. Raises `Stop`. */
export async function decide(
  io: CommandIo,
  id: string,
  decision: Decision,
  { reason, url, json }: DecisionOptions,
  more: Readonly<Record<string, string>> = {},
): Promise<RecordAnswer> {
  mustSayWhy(reason);
  const path = remediationPath(id);
  const api = await openApi(io, url);
  const answer = await api.post(`${path}/${decision}`, { reason, ...more });
  const record = understood(recordSchema, answer);
  if (json === true) printJson(io, answer);
  else printRecord(io, record);
  return record;
}
