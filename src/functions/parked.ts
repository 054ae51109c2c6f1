import type { HttpResponseInit } from "@azure/functions";
import { z } from "zod";
import { isParkedCursor, isParkedId, listParked, readParked } from "../engine/parked-list.ts";
import { dropParked, replayParked } from "../engine/parked-replay.ts";
import type { Word } from "../model/word.ts";
import { wordOf } from "./access.ts";
import { type Api, type Call, json, jsonBody, registerHttp } from "./http-function.ts";
import { BadRequest } from "./problem.ts";
import { afterOf, limitOf, onlyKnown } from "./query-words.ts";
import { assertReachesAll } from "./reaches-all.ts";

const reasonSchema = z.strictObject({ reason: z.string().trim().min(1).max(500) });
const UNSEEN = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Events that could not be read or handled: `GET /api/parked` and `/api/parked/{id}`, `POST …/replay` and `…/drop`. */
export function registerParked(api: Api): void {
  registerHttp("parked-list", api, async ({ engine, request }) => {
    onlyKnown(request, ["limit", "after"]);
    const page = await listParked(engine.table, limitOf(request, 50, 500), afterOf(request, isParkedCursor));
    return json(200, page);
  });
  registerHttp("parked-show", api, show);
  registerHttp("parked-replay", api, async (call) => {
    const { id, word } = await asked(call);
    const replayed = await replayParked(call.engine, id, word);
    if (replayed === null) throw missing(id);
    return json(200, replayed);
  });
  registerHttp("parked-drop", api, async (call) => {
    const { id, word } = await asked(call);
    if (!(await dropParked(call.engine, id, word))) throw missing(id);
    return json(200, { id, outcome: "dropped" });
  });
}

async function show(call: Call): Promise<HttpResponseInit> {
  assertReachesAll(call, "Reflex.Admin");
  const id = idOf(call);
  const parked = await readParked(call.engine.table, id);
  if (parked === null) throw missing(id);
  const { bytes, keys: _keys, ...about } = parked;
  return json(200, { ...about, text: textOrNull(bytes), base64: Buffer.from(bytes).toString("base64") });
}

/** The bytes as text where they are UTF-8, with what cannot be seen as `\u202e`; null where they are not. */
function textOrNull(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes).replace(UNSEEN, escaped);
  } catch {
    return null;
  }
}

function escaped(character: string): string {
  return Array.from({ length: character.length }, (_none, index) => character.charCodeAt(index))
    .map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`)
    .join("");
}

async function asked(call: Call): Promise<{ readonly id: string; readonly word: Word }> {
  assertReachesAll(call, "Reflex.Admin");
  const id = idOf(call);
  const body = reasonSchema.safeParse(await jsonBody(call.request));
  if (!body.success) throw new BadRequest("reason: say why, in at most 500 characters.");
  return { id, word: wordOf(call, body.data.reason) };
}

function idOf({ request }: Call): string {
  const id = request.params["id"] ?? "";
  if (!isParkedId(id)) throw missing(id);
  return id;
}

function missing(id: string): BadRequest {
  return new BadRequest(`There is no parked event ${id.slice(0, 160)}.`, 404);
}
