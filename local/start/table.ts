import { describeTarget } from "../../src/model/target.ts";
import type { Shown } from "./api.ts";
import type { BatchCounts } from "./functions.ts";
import type { Outcome } from "./observer.ts";

const WIDTHS = [31, 62, 36] as const;
/** States in which the target is what one wants to see; of all others the reason. */
const ACTED = ["in-force", "done", "reverted", "applying", "verifying"];

/** The head of the table. */
export function tableHead(): string {
  return `  ${line(["PAYLOAD", "WHAT HAPPENED", "CHANGED IN THE CLUSTER", "TOLD"])}`;
}

/** The lines of one payload; `mark` says whether it is as expected. */
export function tableRow(mark: "✓" | "✗" | " ", name: string, outcome: Outcome): string {
  const happened = [
    ...outcome.changed.map(happenedTo),
    ...countWords(outcome.counts, outcome.changed.length),
  ];
  const changed = outcome.effects.flatMap(effectWords);
  const told = Object.entries(outcome.told).flatMap(([channel, { length }]) =>
    length === 0 ? [] : [length === 1 ? channel : `${channel} ×${length}`],
  );
  const height = Math.max(1, happened.length, changed.length);
  const rows = Array.from({ length: height }, (_, row) => {
    const first = row === 0;
    const cells = [first ? name : "", happened[row] ?? "", changed[row] ?? "", first ? told.join(", ") : ""];
    return `${first ? mark : " "} ${line(cells)}`;
  });
  return rows.join("\n");
}

function line(cells: readonly string[]): string {
  return cells
    .map((cell, index) => column(cell, WIDTHS[index]))
    .join("  ")
    .trimEnd();
}

function column(text: string, width: number | undefined): string {
  if (width === undefined) return text;
  return text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width);
}

function happenedTo(one: Shown): string {
  const { playbook, state, proof, target, reason, rule } = one;
  if (target.kind === "alert") {
    return playbook === "notify" ? `told by rule ${rule.name}` : `${playbook} ${state}: ${reason}`;
  }
  const sure = proof === null || state === "reverted" ? "" : ` (${proof})`;
  // Which cluster is the same for all; that it is a pod or an image says the playbook.
  const name =
    describeTarget(target)
      .split(" on ")[0]
      ?.replace(/^(pod|image) /, "") ?? "";
  return `${playbook} ${state}${sure}: ${ACTED.includes(state) ? name : reason}`;
}

function countWords(counts: BatchCounts | null, shown: number): string[] {
  if (counts === null) return shown === 0 ? ["nothing"] : [];
  const { joined, parked, unmatched } = counts;
  const words = [
    ...(joined > 0 && shown === 0 ? [joined === 1 ? "known already" : `${joined} known already`] : []),
    ...(parked > 0 ? [parked === 1 ? "parked with its bytes" : `${parked} parked with their bytes`] : []),
    ...(unmatched > 0 ? [unmatched === 1 ? "no rule wants it" : `no rule wants ${unmatched}`] : []),
  ];
  return words;
}

const SIGNS: Readonly<Record<string, string>> = { create: "+", delete: "-" };

function effectWords({ verb, plural, subresource, name, changes }: Outcome["effects"][number]): string[] {
  const kind = subresource === "" ? plural : `${plural}/${subresource}`;
  const sign = SIGNS[verb];
  if (sign !== undefined) return [`${sign} ${kind} ${name}`];
  return changes.flatMap(({ path, before, after }) => {
    if (typeof before === "number" && typeof after === "number")
      return [`~ ${kind} ${name} ${before}→${after}`];
    const field = path.split("/").at(-1)?.replaceAll("~1", "/") ?? "";
    const sign = before === undefined ? "+" : after === undefined ? "-" : "";
    // The first entry of a map comes with the map, and the last one goes with it.
    const whole = after === undefined ? before : before === undefined ? after : null;
    const fields = typeof whole === "object" && whole !== null ? Object.keys(whole) : [field];
    return fields.map((one) => `~ ${kind} ${sign}${one}`);
  });
}
