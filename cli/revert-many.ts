import { z } from "zod";
import { ageOf } from "./age.ts";
import { type Api, openApi, understood } from "./api.ts";
import type { CommandIo, ExitCode } from "./command-io.ts";
import { confirmed } from "./confirmed.ts";
import { type DecisionOptions, mustSayWhy } from "./decide.ts";
import { pages } from "./pages.ts";
import { asSentence, complain, printJson, printLine } from "./print.ts";
import { printTable } from "./print-table.ts";
import { type RecordAnswer, recordSchema, targetWords } from "./record.ts";
import { remediationPath } from "./remediation-path.ts";
import { Stop } from "./stop.ts";
import { timeOption } from "./time-option.ts";

/** Which remediations are meant: all that is given must hold. */
export interface Choice {
  readonly rule?: string;
  readonly cluster?: string;
  readonly playbook?: string;
  readonly since?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

/** States in which something can be left; of the ended ones those that wrote something. */
const STATES = "open,done,failed,superseded";
const ENDED = ["done", "failed", "superseded"];
const PAGE = "200";
const TOGETHER = 4;
const TRIES = 6;
const LONGEST_WAIT_MS = 10_000;
const INSTEAD = "add --yes to take them back, or --dry-run to see them";
const COLUMNS = [
  { title: "ID" },
  { title: "AGE" },
  { title: "STATE" },
  { title: "PLAYBOOK" },
  { title: "TARGET", most: 60, keepsEnd: true },
  { title: "RULE", most: 40 },
];

const pageSchema = z.looseObject({ remediations: z.array(recordSchema), next: z.string().nullish() });
const knownCluster = z.looseObject({
  name: z.string(),
  id: z.string(),
  // An app that is older knows none.
  aliases: z.array(z.string()).default([]),
});
const healthSchema = z.looseObject({
  clusters: z.array(knownCluster).optional(),
  playbooks: z.array(z.string()).optional(),
});

/** What became of one of them; `reason` says why it was refused, with what remains. */
interface Outcome {
  readonly record: RecordAnswer;
  readonly state: string;
  readonly reason: string | null;
}

/**
 * Shows what is meant, asks, and takes it back, a few at a time, with a line for each: 1 if any was refused. Raises `Stop`.
 */
export async function revertMany(io: CommandIo, options: DecisionOptions & Choice): Promise<ExitCode> {
  const { dryRun = false, yes = false, json = false } = options;
  mustSayWhy(options.reason);
  if (!(dryRun || yes) && io.ask === null)
    throw new Stop(2, `nobody is asked without a terminal; ${INSTEAD}`);
  const api = await openApi(io, options.url);
  const found = await chosen(io, api, options);
  if (found.length === 0) await mustBeKnown(api, options);
  if (dryRun) {
    if (json) for (const record of found) printJson(io, record);
    else show(io, found);
    return 0;
  }
  const isMeantSo = await shownAndMeant(io, found, { yes, json });
  const outcomes = isMeantSo ? await takeBackAll(io, api, found, options) : [];
  if (isMeantSo) tellCounts(io, outcomes, json);
  return isMeantSo && outcomes.every(({ reason }) => reason === null) ? 0 : 1;
}

/** Shows the list, and asks unless told not to: false where the answer is no. What is asked about goes where the question goes. */
async function shownAndMeant(
  io: CommandIo,
  found: readonly RecordAnswer[],
  { yes, json }: { readonly yes: boolean; readonly json: boolean },
): Promise<boolean> {
  const asks = !yes && found.length > 0;
  if (asks || !json) show(asks ? { ...io, write: (text) => io.writeError(text) } : io, found);
  if (!asks || (await confirmed(io, `Take back ${count(found.length)}?`, INSTEAD))) return true;
  complain(io, "nothing was taken back");
  return false;
}

function tellCounts(io: CommandIo, outcomes: readonly Outcome[], json: boolean): void {
  const of = (word: OutcomeWord): number => outcomes.filter((outcome) => wordFor(outcome) === word).length;
  const counts = { restored: of("restored"), rejected: of("rejected"), refused: of("refused") };
  if (json) {
    printJson(io, counts);
    return;
  }
  if (outcomes.length === 0) return;
  const { restored, rejected, refused } = counts;
  printLine(io, `${restored} restored, ${rejected === 0 ? "" : `${rejected} rejected, `}${refused} refused.`);
}

type OutcomeWord = "restored" | "rejected" | "refused";

/** What waited for a person had written nothing: it is rejected, not restored. */
function wordFor({ state, reason }: Outcome): OutcomeWord {
  if (reason !== null) return "refused";
  return state === "rejected" ? "rejected" : "restored";
}

/** Raises `Stop` where nobody knows the name that was given: a slip of the pen must not look like success. */
async function mustBeKnown(api: Api, { rule, playbook, cluster }: Choice): Promise<void> {
  const { clusters = [], playbooks = [] } = understood(healthSchema, await api.get("api/health"));
  if (cluster?.startsWith("/") === true && !clusters.some((one) => isNamed(one, cluster))) {
    throw new Stop(2, `nothing was found in ${cluster}, and the app's configuration does not name it`);
  }
  if (playbook !== undefined && !playbooks.includes(playbook)) {
    throw new Stop(2, `there is no playbook ${playbook}; use one of ${playbooks.join(", ")}`);
  }
  // Says which rules there are where neither the configuration nor a record knows this one.
  if (rule !== undefined) await api.get(`api/rules/${encodeURIComponent(rule)}/report`);
}

/** All that is open or left something, newest first. */
async function chosen(io: CommandIo, api: Api, choice: Choice): Promise<readonly RecordAnswer[]> {
  const { rule, playbook, since } = choice;
  const from = timeOption("--since", since, io.now());
  const ids = choice.cluster === undefined ? null : await idsOf(api, choice.cluster);
  const found: RecordAnswer[] = [];
  const query = { state: STATES, rule, playbook, from, limit: PAGE };
  for await (const page of pages(api, "api/remediations", query, pageSchema)) {
    found.push(...page.remediations.filter((record) => isMeant(record, ids)));
  }
  return found;
}

function isMeant({ state, touched, target }: RecordAnswer, ids: readonly string[] | null): boolean {
  // An app that does not say is asked.
  if (ENDED.includes(state) && touched === false) return false;
  return ids === null || ids.includes(clusterOf(target)?.toLowerCase() ?? "");
}

function clusterOf(target: unknown): string | null {
  const parsed = z.looseObject({ cluster: z.string() }).safeParse(target);
  return parsed.success ? parsed.data.cluster : null;
}

/**
 * All ARM ids, in lower case, of a cluster that may be given by its name or by one of them. A name that nobody knows
 * would find nothing; what an id that is none of ours left is still taken back.
 */
async function idsOf(api: Api, given: string): Promise<readonly string[]> {
  const { clusters = [] } = understood(healthSchema, await api.get("api/health"));
  const named = clusters.find((one) => one.name === given || isNamed(one, given));
  if (named !== undefined) return [named.id, ...named.aliases].map((id) => id.toLowerCase());
  if (given.startsWith("/")) return [given.toLowerCase()];
  const names = clusters.map(({ name }) => name).join(", ");
  const known = names === "" ? "give its ARM id" : `use one of ${names}, or an ARM id`;
  throw new Stop(2, `there is no cluster ${given} in the app's configuration; ${known}`);
}

function isNamed({ id, aliases }: z.infer<typeof knownCluster>, given: string): boolean {
  return [id, ...aliases].some((one) => one.toLowerCase() === given.toLowerCase());
}

function show(io: CommandIo, found: readonly RecordAnswer[]): void {
  if (found.length === 0) {
    printLine(io, "There is nothing to take back.");
    return;
  }
  const now = io.now();
  const rows = found.map(({ id, createdAt, state, playbook, target, rule }) => [
    id,
    ageOf(createdAt, now),
    state,
    playbook,
    targetWords(target),
    rule?.name ?? "",
  ]);
  printTable(io, COLUMNS, rows);
}

/** Some at a time; those of one target one after another, since one lock guards them. */
async function takeBackAll(
  io: CommandIo,
  api: Api,
  found: readonly RecordAnswer[],
  { reason, json }: DecisionOptions,
): Promise<readonly Outcome[]> {
  const byTarget = [...Map.groupBy(found, ({ target }) => JSON.stringify(target)).values()];
  const outcomes: Outcome[] = [];
  const lane = async (): Promise<void> => {
    for (let group = byTarget.shift(); group !== undefined; group = byTarget.shift()) {
      for (const record of group) {
        const outcome = await takeBack(io, api, record, reason);
        outcomes.push(outcome);
        tell(io, outcome, json === true);
      }
    }
  };
  await Promise.all(Array.from({ length: TOGETHER }, lane));
  return outcomes;
}

async function takeBack(io: CommandIo, api: Api, record: RecordAnswer, reason: string): Promise<Outcome> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const answer = await api.post(`${remediationPath(record.id)}/revert`, { reason });
      return outcomeOf(record, understood(recordSchema, answer));
    } catch (error) {
      if (!(error instanceof Stop)) throw error;
      if (error.retryAfterMs === null || attempt === TRIES) {
        return { record, state: record.state, reason: asSentence(error.message) };
      }
      await io.wait(Math.min(error.retryAfterMs, LONGEST_WAIT_MS));
    }
  }
}

function outcomeOf(record: RecordAnswer, after: RecordAnswer): Outcome {
  const { state } = after;
  if (state === "reverted" || state === "rejected") return { record, state, reason: null };
  const remains = (after.remains ?? []).map((one) => ` Remains: ${asSentence(one)}`);
  return { record, state, reason: `${asSentence(after.reason ?? `it is ${state}`)}${remains.join("")}` };
}

function tell(io: CommandIo, { record, state, reason }: Outcome, json: boolean): void {
  const outcome = wordFor({ record, state, reason });
  if (json) {
    printJson(io, { id: record.id, outcome, state, reason });
    return;
  }
  const what = `${record.playbook} for ${targetWords(record.target)}`;
  printLine(io, `${outcome}  ${record.id}  ${what}${reason === null ? "" : `: ${reason}`}`);
}

function count(many: number): string {
  return many === 1 ? "1 remediation" : `${many} remediations`;
}
