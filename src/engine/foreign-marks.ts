import { isOpen } from "../model/remediation.ts";
import { isRemediationId } from "../store/row-keys.ts";
import { readRecord } from "./drive.ts";
import type { Engine } from "./engine.ts";
import { tellChannels } from "./tell-channels.ts";

/** Lists per cluster what bears our mark; what no open record owns is told: a late write of a lost instance, or a forgery. */
export async function tellForeignMarks(engine: Engine): Promise<void> {
  for (const { id: cluster, name } of engine.configuration.clusters) {
    try {
      const marked = await engine.ports.read.kubernetes(cluster).marked();
      const orphans: string[] = [];
      for (const { object, remediationId } of marked) {
        const record = isRemediationId(remediationId) ? await readRecord(engine, remediationId) : null;
        if (record === null || !isOpen(record.state)) orphans.push(`${object} (${remediationId})`);
      }
      if (orphans.length === 0) continue;
      const listed = orphans.slice(0, 20).join("; ");
      const more = orphans.length > 20 ? ` and ${orphans.length - 20} more` : "";
      await tellChannels(
        engine,
        "foreign-mark",
        `On ${name} these bear our mark but belong to no open remediation: ${listed}${more}. Look at each and remove it by hand.`,
      );
    } catch (error) {
      const fault = error instanceof Error ? error.message.slice(0, 300) : "unknown fault";
      engine.log({ level: "warning", event: "marks not listed", facts: { cluster: name, fault } });
    }
  }
}
