import type { HttpResponseInit } from "@azure/functions";
import { type ListQuery, listRemediations, showRemediation } from "../engine/list-remediations.ts";
import { onMainCluster } from "../model/main-cluster.ts";
import { END_STATES, OPEN_STATES, type State } from "../model/remediation.ts";
import { type Target, targetSchema } from "../model/target.ts";
import { isRemediationId } from "../store/row-keys.ts";
import { assertMay, may } from "./access.ts";
import { type Api, type Call, json, registerHttp } from "./http-function.ts";
import { BadRequest } from "./problem.ts";

const STATES: readonly State[] = [...OPEN_STATES, ...END_STATES];
const KNOWN = ["state", "target", "signal", "playbook", "rule", "from", "to", "limit", "after", "code"];

/**
 * `GET /api/remediations` lists with filters and paging what the caller may see, `GET /api/remediations/{id}` shows one
 * with its history.
 */
export function registerRemediations(api: Api): void {
  registerHttp("list", api, (call) => list(call));
  registerHttp("show", api, (call) => show(call));
}

async function list(call: Call): Promise<HttpResponseInit> {
  const { query } = call.request;
  for (const name of query.keys()) {
    if (!KNOWN.includes(name))
      throw new BadRequest(`${name}: no such filter. Use ${KNOWN.slice(0, -1).join(", ")}.`);
  }
  const after = query.get("after") ?? undefined;
  if (after !== undefined && !isRemediationId(after))
    throw new BadRequest("after: give the `next` of the page before.");
  const asked: ListQuery = {
    states: statesOf(query.get("state")),
    target: targetOf(call.engine, query.get("target")),
    signal: query.get("signal") ?? undefined,
    playbook: query.get("playbook") ?? undefined,
    rule: query.get("rule") ?? undefined,
    from: timeOf("from", query.get("from")),
    to: timeOf("to", query.get("to")),
    limit: limitOf(query.get("limit")),
    after,
    where: ({ target, signal }) => may(call, "Reflex.Read", target, signal),
  };
  return json(200, await listRemediations(call.engine.table, asked));
}

async function show(call: Call): Promise<HttpResponseInit> {
  const id = call.request.params["id"] ?? "";
  const shown = await showRemediation(call.engine.table, id);
  if (shown === null) throw new BadRequest(`There is no remediation ${id.slice(0, 60)}.`, 404);
  assertMay(call, "Reflex.Read", shown.remediation.target, shown.remediation.signal);
  return json(200, shown);
}

function statesOf(text: string | null): readonly State[] | undefined {
  if (text === null) return undefined;
  return text.split(",").flatMap((name) => {
    if (name === "open") return [...OPEN_STATES];
    const state = STATES.find((one) => one === name);
    if (state === undefined)
      throw new BadRequest(`state: ${name.slice(0, 40)} is none of open, ${STATES.join(", ")}.`);
    return [state];
  });
}

function targetOf({ configuration }: Call["engine"], text: string | null): Target | undefined {
  if (text === null) return undefined;
  try {
    return onMainCluster(configuration.clusters, targetSchema.parse(JSON.parse(text)));
  } catch {
    throw new BadRequest(
      'target: give a target as JSON, such as {"kind":"pod","cluster":"…","namespace":"…","name":"…"}.',
    );
  }
}

function timeOf(name: string, text: string | null): Date | undefined {
  if (text === null) return undefined;
  const time = new Date(text);
  if (Number.isNaN(time.getTime()))
    throw new BadRequest(`${name}: give an ISO 8601 time, such as 2026-03-02T08:00:00Z.`);
  return time;
}

function limitOf(text: string | null): number {
  const limit = text === null ? 50 : Number(text);
  if (!Number.isInteger(limit) || limit < 1 || limit > 500)
    throw new BadRequest("limit: give a whole number from 1 to 500.");
  return limit;
}
