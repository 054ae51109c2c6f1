import type { HttpResponseInit } from "@azure/functions";
import type { Engine } from "../engine/engine.ts";
import { type Api, json, registerHttp } from "./http-function.ts";

/**
 * `GET /api/health`: is the store reached. Whoever has the role Reflex.Read also sees with which configuration, ceiling
 * and pauses this instance works; all others only that it does.
 */
export function registerHealth(api: Api): void {
  registerHttp("health", api, async ({ engine, caller }) => {
    await engine.table.get("control", "last-event");
    return caller?.roles.includes("Reflex.Read") === true ? details(engine) : json(200, { status: "ok" });
  });
}

async function details(engine: Engine): Promise<HttpResponseInit> {
  const { ceiling, hash, rules, clusters } = engine.configuration;
  const { pauses, trips } = await engine.switches.now();
  return json(200, {
    status: "ok",
    ceiling,
    held: engine.held,
    pauses,
    trips,
    configuration: hash,
    build: engine.build,
    rules: rules.length,
    clusters: clusters.map(({ name, id, aliases }) => ({ name, id, aliases })),
    playbooks: [...engine.playbooks.keys()],
  });
}
