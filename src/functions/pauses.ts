import { z } from "zod";
import { pause, pauses, resume } from "../engine/pauses.ts";
import type { PauseOf } from "../engine/switches.ts";
import type { Role } from "../model/caller.ts";
import { assertMay, may, wordOf } from "./access.ts";
import { type Api, type Call, json, jsonBody, registerHttp } from "./http-function.ts";
import { BadRequest, Forbidden } from "./problem.ts";

const name = z.string().trim().min(1).max(500);
const pauseSchema = z.strictObject({
  all: z.literal(true).optional(),
  cluster: name.optional(),
  rule: name.optional(),
  playbook: name.optional(),
  reason: z.string().trim().min(1, "say why, in a few words").max(500),
});
const KINDS = ["cluster", "rule", "playbook"] as const;

/** `GET /api/pauses` tells what is held; `POST /api/pauses` and `POST /api/pauses/resume` hold it and let it go on. */
export function registerPauses(api: Api): void {
  registerHttp("pauses", api, async ({ engine }) => json(200, await pauses(engine)));
  registerHttp("pause", api, async (call) => {
    const { of, reason } = await asked(call, "Reflex.Run");
    return json(200, await pause(call.engine, of, wordOf(call, reason)));
  });
  registerHttp("resume", api, async (call) => {
    const { of, reason } = await asked(call, "Reflex.Admin");
    return json(200, await resume(call.engine, of, wordOf(call, reason)));
  });
}

/** What the body names, which the caller may hold and let go. */
async function asked(call: Call, role: Role): Promise<{ readonly of: PauseOf; readonly reason: string }> {
  const body = pauseSchema.safeParse(await jsonBody(call.request));
  if (!body.success) {
    const [issue] = body.error.issues;
    const place = issue?.path.join(".") ?? "";
    throw new BadRequest(`${place === "" ? "The body" : place}: ${issue?.message ?? "is invalid"}.`);
  }
  const { all, reason } = body.data;
  const named = KINDS.flatMap((kind): PauseOf[] => {
    const given = body.data[kind];
    return given === undefined ? [] : [{ kind, name: given }];
  });
  const [of, ...more] = all === true ? [{ kind: "all" } as const, ...named] : named;
  if (of === undefined || more.length > 0) {
    throw new BadRequest('Give just one of "all": true, "cluster", "rule" and "playbook".');
  }
  mayTouch(call, role, of);
  return { of, reason };
}

/**
 * Whose role reaches only a part may hold a cluster within it; the rest holds everybody's targets, and is for an
 * unlimited role, that of an administrator among them.
 */
function mayTouch(call: Call, role: Role, of: PauseOf): void {
  if (of.kind === "cluster") {
    assertMay(call, role, { kind: "cluster", cluster: of.name });
    return;
  }
  // Of a target about which nothing is known only an unlimited role is sure.
  if ([role, "Reflex.Admin" as const].some((one) => may(call, one, { kind: "alert", id: "any" }))) return;
  throw new Forbidden(
    `Your role ${role} reaches a part of the targets only.`,
    "Name a cluster that it reaches, or let an administrator do it whom nothing under `access` limits.",
  );
}
