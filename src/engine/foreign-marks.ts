import { isOpen } from "../model/remediation.ts";
import type { ClusterConnection } from "../model/rule.ts";
import { isRemediationId } from "../store/row-keys.ts";
import { NewerSchema } from "../store/target-row.ts";
import type { Engine } from "./engine.ts";
import { readRecord } from "./read-record.ts";
import { tellChannels } from "./tell-channels.ts";

/**
 * Lists, in each of these clusters, what bears our mark; what no record owns that is open or done is told: a late write of
 * a lost instance, or a forgery.
 */
export async function tellForeignMarks(
  engine: Engine,
  where: (cluster: ClusterConnection) => boolean,
): Promise<void> {
  for (const { id: cluster, name } of engine.configuration.clusters.filter(where)) {
    try {
      const marked = await engine.ports.read.kubernetes(cluster).marked();
      const orphans: string[] = [];
      for (const { object, remediationId } of marked) {
        if (!(await isOwned(engine, remediationId))) orphans.push(`${object} (${remediationId})`);
      }
      if (orphans.length === 0) continue;
      const listed = orphans.slice(0, 20).join("; ");
      const more = orphans.length > 20 ? ` and ${orphans.length - 20} more` : "";
      await tellChannels(
        engine,
        "foreign-mark",
        `On ${name} these bear our mark but belong to no remediation that is open or done: ${listed}${more}. Look at each and remove it by hand.`,
      );
    } catch (error) {
      const fault = error instanceof Error ? error.message.slice(0, 300) : "unknown fault";
      engine.log({ level: "warning", event: "marks not listed", facts: { cluster: name, fault } });
    }
  }
}

/** Does a record own this mark that is open, or whose change stays for good? One of a newer version counts as open. */
async function isOwned(engine: Engine, id: string): Promise<boolean> {
  if (!isRemediationId(id)) return false;
  try {
    const record = await readRecord(engine, id);
    return record !== null && (isOpen(record.state) || record.state === "done");
  } catch (error) {
    if (error instanceof NewerSchema) return true;
    throw error;
  }
}
