import type { Remediation } from "../model/remediation.ts";
import { type Engine, later } from "./engine.ts";
import { listRemediations } from "./list-remediations.ts";
import { type ReportRecord, type RuleReport, reportOf } from "./report.ts";

const READ_MS = 15_000;
const PAGE = 500;
/** What one request reads at most. */
const MOST = 20_000;

/**
 * What a rule did, or would have done, since a moment: from the records that the reader may see. `known` lists the rules
 * there are when the asked one is neither in the configuration nor in a record. Raises `StoreUnreachable`.
 */
export async function ruleReport(
  engine: Engine,
  name: string,
  since: Date,
  sees: (record: Remediation) => boolean,
): Promise<{ readonly report: RuleReport } | { readonly known: readonly string[] }> {
  const { rules, budgets } = engine.configuration;
  const rule = rules.find((one) => one.name === name);
  const { records, complete } = await read(engine, since, sees);
  if (rule === undefined && !records.some((record) => record.rule === name)) {
    const known = new Set([...rules.map((one) => one.name), ...records.map((record) => record.rule)]);
    return { known: [...known].sort() };
  }
  const { mode = null, perHour = null } = rule ?? {};
  return { report: reportOf(records, { rule: name, mode, perHour, budgets, since, complete }) };
}

async function read(
  engine: Engine,
  from: Date,
  where: (record: Remediation) => boolean,
): Promise<{ readonly records: readonly ReportRecord[]; readonly complete: boolean }> {
  const until = later(engine.clock.now(), READ_MS);
  const records: ReportRecord[] = [];
  let after: string | undefined;
  do {
    const page = await listRemediations(engine.table, { from, where, limit: PAGE, after });
    records.push(...page.remediations.map(shortened));
    if (page.next === null) return { records, complete: true };
    after = page.next;
  } while (records.length < MOST && engine.clock.now() < until);
  return { records, complete: false };
}

/** Only what is asked of it: there may be many. */
function shortened(record: Remediation): ReportRecord {
  const { id, playbook, target, state, mode, planHash, touched, revertedBy, createdAt, updatedAt } = record;
  const rule = record.rule.name;
  return {
    ...{ id, playbook, target, state, mode, planHash, touched, revertedBy, createdAt, updatedAt },
    rule,
    signal: record.signal.id,
  };
}
