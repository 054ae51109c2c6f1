import { type AuditRow, isOpen } from "../../src/model/remediation.ts";
import type { createMemoryTable } from "../../src/store/memory-table.ts";
import { decodeAudit, sealAudit } from "../../src/store/record-rows.ts";
import { recordsOf } from "./harness.ts";
import type { World } from "./world.ts";

type Memory = ReturnType<typeof createMemoryTable>;

/** What is wrong when everything has come to rest, a sentence each. */
export interface EndFaults {
  readonly lost: readonly string[];
  readonly untracked: readonly string[];
  readonly doubled: readonly string[];
}

/** Judges the end of a schedule: nothing lost, nothing untracked, nothing doubled. */
export function endFaults(table: Memory, world: World, alerts: readonly string[]): EndFaults {
  const records = recordsOf(table);
  const rows = table.snapshot();
  const decided = new Map(
    rows.flatMap(({ key, cells }) =>
      key.startsWith("s!") ? [[String(cells["identity"]), String(cells["id"])]] : [],
    ),
  );
  const lost = alerts.flatMap((alert) => {
    const id = decided.get(alert);
    if (id === undefined) return [`${alert} was never decided`];
    return records.some((record) => record.id === id)
      ? []
      : [`${alert} was decided by ${id}, which is not there`];
  });
  const open = new Set(records.filter(({ state }) => isOpen(state)).map(({ id }) => id));
  const untracked = [...world.pods.values()].flatMap(({ name, labels }) => {
    const id = labels["quarantine"];
    return id === undefined || open.has(id) ? [] : [`${name} bears ${id}, which is not open`];
  });
  const messages = rows.filter(({ key, cells }) => key.startsWith("d!") && cells["kind"] === "message");
  return {
    lost: [
      ...lost,
      ...[...open].map((id) => `${id} is still open`),
      ...messages.map(({ key }) => `message ${key} was never sent`),
      ...brokenHistories(table),
    ],
    untracked,
    doubled: doubledEffects(world),
  };
}

/** An episode labels its pod at most once. */
function doubledEffects(world: World): string[] {
  const set = world.effects.flatMap(({ change }) => change["quarantine"] ?? []);
  return [...new Set(set)].flatMap((id) => {
    const times = set.filter((other) => other === id).length;
    return times > 1 ? [`${id} took effect ${times} times`] : [];
  });
}

/** The histories of all records, in the order of their rows. */
export function historiesOf(table: Memory): AuditRow[][] {
  const rows = table.snapshot();
  return recordsOf(table).map(({ id }) =>
    rows.flatMap((row) => (row.key.startsWith(`a!${id}!`) ? [decodeAudit(row)] : [])),
  );
}

/** Histories whose chain does not hold or does not end where the record says. */
function brokenHistories(table: Memory): string[] {
  const histories = historiesOf(table);
  return recordsOf(table).flatMap((record, index) => {
    const history = histories[index] ?? [];
    let previous = "";
    for (const [place, { hash, ...row }] of history.entries()) {
      const holds = row.sequence === place + 1 && row.previous === previous && sealAudit(row).hash === hash;
      if (!holds) return [`the history of ${record.id} breaks at ${row.sequence}`];
      previous = hash;
    }
    const isWhole = previous === record.auditHash && history.length === record.auditSequence;
    return isWhole ? [] : [`the history of ${record.id} does not end with its head`];
  });
}
