import { z } from "zod";
import { runManually } from "../engine/manual-run.ts";
import { MODES } from "../model/mode.ts";
import { targetSchema } from "../model/target.ts";
import { parseDuration } from "../rules/index.ts";
import { assertMay, wordOf } from "./access.ts";
import { type Api, json, jsonBody, registerHttp } from "./http-function.ts";
import { BadRequest } from "./problem.ts";

const runSchema = z.strictObject({
  target: targetSchema,
  parameters: z.record(z.string(), z.unknown()).default({}),
  mode: z.enum(MODES).default("observe"),
  reason: z.string().trim().min(1, "say why, in a few words").max(500),
  ttl: z.string().optional(),
  notify: z.array(z.string().max(100)).max(20).default([]),
});

/**
 * `POST /api/playbooks/{name}/runs`: runs a playbook on a target. Without a mode it observes. The header
 * `Idempotency-Key` makes a caller's repetitions one run. 202 with the remediation and its `Location`.
 */
export function registerRuns(api: Api): void {
  registerHttp("run", api, async (call) => {
    const { engine, request } = call;
    const parsed = runSchema.safeParse(await jsonBody(request));
    if (!parsed.success) throw new BadRequest(sentenceOf(parsed.error));
    const { target, parameters, mode, reason, ttl, notify } = parsed.data;
    assertMay(call, "Reflex.Run", target);
    const unknown = notify.find((name) => !engine.configuration.channels.some((one) => one.name === name));
    if (unknown !== undefined) throw new BadRequest(`notify: there is no channel ${unknown}.`);
    const by = wordOf(call, reason);
    const record = await runManually(engine, {
      playbook: request.params["name"] ?? "",
      target,
      parameters,
      mode,
      ttlMs: ttl === undefined ? null : durationOf(ttl),
      notify,
      by,
      // Of this caller alone: nobody gets, or foresees, another's run by its key.
      idempotencyKey: `${by.id}/${keyOf(request.headers.get("idempotency-key")) ?? engine.randomness.hex(32)}`,
    });
    return json(202, record, { location: `/api/remediations/${record.id}` });
  });
}

function durationOf(text: string): number {
  const ms = parseDuration(text);
  if (ms === null)
    throw new BadRequest(`ttl: ${JSON.stringify(text.slice(0, 40))} is no duration such as 30m or 8h.`);
  return ms;
}

function keyOf(header: string | null): string | null {
  if (header === null) return null;
  if (!/^[\x21-\x7e]{1,200}$/.test(header)) {
    throw new BadRequest("Idempotency-Key: use 1 to 200 printable characters without spaces.");
  }
  return header;
}

/** The first fault of a body, with its place. */
function sentenceOf(error: z.ZodError): string {
  const [issue] = error.issues;
  const place = issue?.path.join(".") ?? "";
  return `${place === "" ? "The body" : place}: ${issue?.message ?? "is invalid"}.`;
}
