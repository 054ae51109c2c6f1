import { takeBudget } from "../../src/engine/budget.ts";
import { decodeBudgetRow } from "../../src/engine/budget-rows.ts";
import type { Engine } from "../../src/engine/engine.ts";
import type { Target } from "../../src/model/target.ts";
import type { createMemoryTable } from "../../src/store/memory-table.ts";
import { BUDGET } from "../../src/store/row-keys.ts";
import { work } from "./piece-of-work.ts";
import { CLUSTER } from "./world.ts";

/** A pod of the shop. */
export function pod(name: string, namespace = "shop"): Target {
  return { kind: "pod", cluster: CLUSTER, namespace, name };
}

/** Takes for one target as the engine does before it acts; null: there was room. */
export function takeFor(
  engine: Engine,
  target: Target,
  more: Partial<Parameters<typeof takeBudget>[1]> = {},
): Promise<string | null> {
  const { playbook, rule, signals } = work();
  return takeBudget(engine, { playbook, rule, target, signal: signals[0].summary, ...more });
}

/** How much is used in each budget row, by kind; `told` marks a row of which somebody was told. */
export function usedIn(table: ReturnType<typeof createMemoryTable>): Record<string, number[]> {
  const used: Record<string, number[]> = {};
  for (const row of table.snapshot()) {
    if (row.partition !== BUDGET) continue;
    const kind = String(row.cells["kind"]);
    const weights = [...decodeBudgetRow(row).uses.values()].map(({ weight }) => weight);
    used[kind] = [...(used[kind] ?? []), weights.reduce((sum, weight) => sum + weight, 0)];
  }
  return used;
}
