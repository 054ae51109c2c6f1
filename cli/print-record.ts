import type { CommandIo } from "./command-io.ts";
import { printLine } from "./print.ts";
import { type RecordAnswer, targetWords } from "./record.ts";

type Person = RecordAnswer["requestedBy"];

/** Prints one remediation for people, a line per fact; facts that it does not have are left out. */
export function printRecord(io: CommandIo, record: RecordAnswer): void {
  const { signal, remains } = record;
  const facts: readonly (readonly [string, string | null | undefined])[] = [
    ["id", record.id],
    ["state", record.proof == null ? record.state : `${record.state} (${record.proof})`],
    ["reason", record.reason],
    ...(remains ?? []).map((one) => ["remains", one] as const),
    ["playbook", record.mode == null ? record.playbook : `${record.playbook} (${record.mode})`],
    ["target", targetWords(record.target)],
    ["rule", record.rule?.name],
    ["signal", signal == null ? null : signalWords(signal)],
    ["signal id", signal?.id],
    ["asked by", personWords(record.requestedBy)],
    ["approved by", personWords(record.approval)],
    [record.state === "rejected" ? "rejected by" : "taken back by", personWords(record.revertedBy)],
    ["created", record.createdAt],
    ["in force since", record.inForceSince],
    ["ends", record.deadline],
    ["updated", record.updatedAt],
  ];
  for (const [name, value] of facts) {
    if (value != null && value !== "") printLine(io, `${name.padEnd(14)}  ${value}`);
  }
}

function signalWords({ severity, title, kind, key }: NonNullable<RecordAnswer["signal"]>): string {
  const about = [kind, key].filter((word) => word != null).join(" ");
  return `${severity == null ? "" : `${severity}: `}${title ?? "no title"}${about === "" ? "" : ` (${about})`}`;
}

function personWords(person: Person): string | null {
  return person == null ? null : `${person.who}: ${person.why}`;
}
