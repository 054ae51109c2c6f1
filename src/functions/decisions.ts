import { z } from "zod";
import { approve } from "../engine/approve.ts";
import { extend, type LaterEnd } from "../engine/extend.ts";
import { readRecord } from "../engine/read-record.ts";
import { reject } from "../engine/reject.ts";
import { retry } from "../engine/retry.ts";
import { revert } from "../engine/revert.ts";
import type { Role } from "../model/caller.ts";
import { parseDuration } from "../rules/index.ts";
import { isRemediationId } from "../store/row-keys.ts";
import { assertMay, wordOf } from "./access.ts";
import { type Api, type Call, json, jsonBody, registerHttp } from "./http-function.ts";
import { BadRequest } from "./problem.ts";

const reason = z
  .string("say why, in a few words")
  .trim()
  .min(1, "say why, in a few words")
  .max(500, "use at most 500 characters");
const reasonSchema = z.strictObject({ reason });
const approvalSchema = z.strictObject({
  reason,
  planHash: z
    .string("give the hash of the plan that you saw: `plan.hash` of `GET /api/remediations/{id}`")
    .min(1, "give the hash of the plan that you saw: `plan.hash` of `GET /api/remediations/{id}`")
    .max(200),
});
const extensionSchema = z.strictObject({
  reason,
  until: z.iso
    .datetime({ offset: true, error: "give an ISO 8601 time, such as 2026-03-02T20:00:00Z" })
    .optional(),
  by: z.string("give a duration such as 4h").max(40, "give a duration such as 4h").optional(),
});

/**
 * What people decide about a remediation, each a `POST /api/remediations/{id}/…` with a reason: `approve` (with the hash
 * of the plan that was seen), `reject`, `extend` (`until` or `by`), `revert`, `retry`. The answer is the remediation as it
 * is then.
 */
export function registerDecisions(api: Api): void {
  registerHttp("approve", api, async (call) => {
    const { reason: why, planHash } = await bodyOf(call, approvalSchema);
    const id = await touchable(call, "Reflex.Approve");
    // The gate lets persons only in; who is not known as one is none.
    const kind = call.caller?.kind ?? "application";
    return json(200, await approve(call.engine, id, { word: wordOf(call, why), planHash, kind }));
  });
  registerHttp("reject", api, async (call) => {
    const { reason: why } = await bodyOf(call, reasonSchema);
    const id = await touchable(call, "Reflex.Approve");
    return json(200, await reject(call.engine, id, wordOf(call, why)));
  });
  registerHttp("revert", api, async (call) => {
    const { reason: why } = await bodyOf(call, reasonSchema);
    const id = await touchable(call, "Reflex.Run");
    return json(200, await revert(call.engine, id, wordOf(call, why)));
  });
  registerHttp("extend", api, async (call) => {
    const { reason: why, ...asked } = await bodyOf(call, extensionSchema);
    const end = endOf(asked);
    const id = await touchable(call, "Reflex.Run");
    return json(200, await extend(call.engine, id, end, wordOf(call, why)));
  });
  registerHttp("retry", api, async (call) => {
    const { reason: why } = await bodyOf(call, reasonSchema);
    const id = await touchable(call, "Reflex.Run");
    const begun = await retry(call.engine, id, wordOf(call, why));
    return json(202, begun, { location: `/api/remediations/${begun.id}` });
  });
}

/** The body as the route wants it. Raises `BadRequest` with the first fault and its place. */
async function bodyOf<S extends z.ZodObject>({ request }: Call, schema: S): Promise<z.output<S>> {
  const parsed = schema.safeParse(await jsonBody(request));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const place = issue?.path.join(".") ?? "";
  if (issue !== undefined && place !== "") throw new BadRequest(`${place}: ${issue.message}.`);
  const known = Object.keys(schema.shape).join(", ");
  const fault =
    issue?.code === "unrecognized_keys"
      ? `${issue.keys.join(", ")} is not known here`
      : "it is no JSON object";
  throw new BadRequest(`The body: ${fault}; give an object with ${known}.`);
}

function endOf({
  until,
  by,
}: {
  readonly until?: string | undefined;
  readonly by?: string | undefined;
}): LaterEnd {
  if ((until === undefined) === (by === undefined)) {
    throw new BadRequest('Give just one of "until" (a time) and "by" (a duration such as 4h).');
  }
  if (until !== undefined) return { until: new Date(until) };
  const byMs = parseDuration(by ?? "");
  if (byMs === null) throw new BadRequest(`by: ${JSON.stringify(by)} is no duration such as 30m or 8h.`);
  return { byMs };
}

/** The id of the request's remediation, which its caller may touch in that role. Raises `BadRequest` where there is none. */
async function touchable(call: Call, role: Role): Promise<string> {
  const id = call.request.params["id"] ?? "";
  const found = isRemediationId(id) ? await readRecord(call.engine, id) : null;
  if (found === null) throw new BadRequest(`There is no remediation ${id.slice(0, 60)}.`, 404);
  assertMay(call, role, found.target, found.signal);
  return id;
}
