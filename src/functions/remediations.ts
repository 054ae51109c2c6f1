import type { HttpRequest, HttpResponseInit } from "@azure/functions";
import { z } from "zod";
import type { Engine } from "../engine/engine.ts";
import { type ListQuery, listRemediations, showRemediation } from "../engine/list-remediations.ts";
import { revert } from "../engine/revert.ts";
import { END_STATES, OPEN_STATES, type State } from "../model/remediation.ts";
import { type Target, targetSchema } from "../model/target.ts";
import { isRemediationId } from "../store/row-keys.ts";
import { json, jsonBody, type OpenEngine, registerHttp } from "./http-function.ts";
import { BadRequest } from "./problem.ts";

const STATES: readonly State[] = [...OPEN_STATES, ...END_STATES];
const KNOWN = ["state", "target", "signal", "playbook", "rule", "from", "to", "limit", "after", "code"];
const revertSchema = z.strictObject({ reason: z.string().trim().min(1).max(500) });

/**
 * `GET /api/remediations` lists with filters and paging, `GET /api/remediations/{id}` shows one with its history,
 * `POST /api/remediations/{id}/revert` takes one back. GET changes nothing.
 */
export function registerRemediations(openEngine: OpenEngine): void {
  // One catch-all: the host allows an optional parameter at the end only.
  registerHttp(
    "remediations",
    "remediations/{*path}",
    ["GET", "POST"],
    openEngine,
    async (engine, request) => {
      const [id, action, ...rest] = (request.params["path"] ?? "").split("/").filter((part) => part !== "");
      if (rest.length === 0 && request.method === "GET" && action === undefined) {
        return id === undefined ? list(engine, request) : show(engine, id);
      }
      if (rest.length === 0 && request.method === "POST" && id !== undefined && action === "revert") {
        return takeBack(engine, id, request);
      }
      throw new BadRequest("There is nothing at this address. See the operator guide for the API.", 404);
    },
  );
}

async function list(engine: Engine, { query }: HttpRequest): Promise<HttpResponseInit> {
  for (const name of query.keys()) {
    if (!KNOWN.includes(name))
      throw new BadRequest(`${name}: no such filter. Use ${KNOWN.slice(0, -1).join(", ")}.`);
  }
  const after = query.get("after") ?? undefined;
  if (after !== undefined && !isRemediationId(after))
    throw new BadRequest("after: give the `next` of the page before.");
  const asked: ListQuery = {
    states: statesOf(query.get("state")),
    target: targetOf(query.get("target")),
    signal: query.get("signal") ?? undefined,
    playbook: query.get("playbook") ?? undefined,
    rule: query.get("rule") ?? undefined,
    from: timeOf("from", query.get("from")),
    to: timeOf("to", query.get("to")),
    limit: limitOf(query.get("limit")),
    after,
  };
  return json(200, await listRemediations(engine.table, asked));
}

async function show(engine: Engine, id: string): Promise<HttpResponseInit> {
  const shown = await showRemediation(engine.table, id);
  if (shown === null) throw new BadRequest(`There is no remediation ${id.slice(0, 60)}.`, 404);
  return json(200, shown);
}

async function takeBack(engine: Engine, id: string, request: HttpRequest): Promise<HttpResponseInit> {
  const body = revertSchema.safeParse(await jsonBody(request));
  if (!body.success) throw new BadRequest("reason: say why, in at most 500 characters.");
  if ((await showRemediation(engine.table, id)) === null)
    throw new BadRequest(`There is no remediation ${id.slice(0, 60)}.`, 404);
  return json(200, await revert(engine, id, { who: "holder of a function key", why: body.data.reason }));
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

function targetOf(text: string | null): Target | undefined {
  if (text === null) return undefined;
  try {
    return targetSchema.parse(JSON.parse(text));
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
