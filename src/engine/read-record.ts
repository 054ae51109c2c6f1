import type { Remediation } from "../model/remediation.ts";
import { decodeRecord } from "../store/record-rows.ts";
import { recordRowKey, shardOf } from "../store/row-keys.ts";
import type { Engine } from "./engine.ts";

/** The record of an id, or null. */
export async function readRecord(engine: Pick<Engine, "table">, id: string): Promise<Remediation | null> {
  const stored = await engine.table.get(shardOf(id), recordRowKey(id));
  return stored === null ? null : decodeRecord(stored);
}
