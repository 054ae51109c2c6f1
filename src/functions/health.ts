import { json, type OpenEngine, registerHttp } from "./http-function.ts";

/** `GET /api/health`: is the store reached, and with which configuration and ceiling does this instance work. */
export function registerHealth(openEngine: OpenEngine): void {
  registerHttp("health", "health", ["GET"], openEngine, async (engine) => {
    await engine.table.get("control", "last-event");
    const { ceiling, hash, rules, clusters } = engine.configuration;
    return json(200, {
      status: "ok",
      ceiling,
      configuration: hash,
      rules: rules.length,
      clusters: clusters.map(({ name, id }) => ({ name, id })),
      playbooks: [...engine.playbooks.keys()],
    });
  });
}
