import { ruleReport } from "../engine/rule-report.ts";
import { may } from "./access.ts";
import { type Api, json, registerHttp } from "./http-function.ts";
import { BadRequest } from "./problem.ts";
import { onlyKnown, timeOf } from "./query-words.ts";

const USUAL_MS = 30 * 24 * 3_600_000;
const MOST_NAMED = 50;

/** `GET /api/rules/{name}/report?since=…`: what a rule did or would have done, from the records that the caller may see. */
export function registerReport(api: Api): void {
  registerHttp("report", api, async (call) => {
    const { engine, request } = call;
    onlyKnown(request, ["since"]);
    const since = timeOf(request, "since") ?? new Date(engine.clock.now().getTime() - USUAL_MS);
    const name = request.params["name"] ?? "";
    const answer = await ruleReport(engine, name, since, ({ target, signal }) =>
      may(call, "Reflex.Read", target, signal),
    );
    if ("report" in answer) return json(200, answer.report);
    const known = answer.known.slice(0, MOST_NAMED).join(", ");
    const list = known === "" ? "There is no rule." : `There are ${known}.`;
    throw new BadRequest(`There is no rule ${JSON.stringify(name.slice(0, 100))}. ${list}`, 404);
  });
}
