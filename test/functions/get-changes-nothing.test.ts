import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { startTeams, type TeamsStandIn } from "../../local/teams/index.ts";
import { ROUTES, type Route } from "../../src/functions/routes.ts";
import { alert } from "../engine/harness.ts";
import { CLUSTER } from "../engine/world.ts";
import { KillableApp } from "../scenarios/killed-app.ts";

const CONFIGURATION = `
mode: enforce
clusters:
  - { name: prod, id: ${CLUSTER}, connect: { kubeconfig: kubeconfig.json } }
channels:
  - { name: security, kind: teams, urlSetting: REFLEX_TEAMS_URL }
rules:
  - name: miners
    when: { kind: alert, key: "K8S.NODE_*" }
    playbooks: [ { name: notify } ]
    mode: enforce
    notify: [security]
`;
const GETS: Route[] = Object.values(ROUTES).filter(({ method }) => method === "GET");

describe("a GET", () => {
  let app: KillableApp;
  let teams: TeamsStandIn;
  let known: string[] = [];

  beforeAll(async () => {
    teams = await startTeams();
    app = await KillableApp.start(CONFIGURATION, { env: { REFLEX_TEAMS_URL: teams.webhookUrl } });
    const at = new Date(app.now().getTime() - 60_000).toISOString();
    await app.send([alert({ id: "seen", at }), new TextEncoder().encode("{ no JSON")]);
    await vi.waitFor(
      async () => {
        expect(await app.rows()).toContain("parked");
        await app.sweep();
        expect(teams.messages.length).toBeGreaterThan(0);
      },
      { timeout: 20_000, interval: 200 },
    );
    known = (await app.remediations()).map(({ id }) => id);
  }, 120_000);
  afterAll(async () => {
    await app.stop();
    await teams.stop();
  });

  const state = async () => ({
    rows: await app.rows(),
    cluster: app.kubernetes.effects.length,
    messages: teams.requestCount,
  });

  it("finds something to leave alone", async () => {
    expect(known).toHaveLength(1);
    expect((await state()).rows).toContain(known[0]);
  });

  it.each(GETS)("of $route leaves table, cluster and channels as they are", async ({ route }) => {
    const part = fc.oneof(
      fc.constantFrom(...known, "miners", "a0000000000000aaaaaaaa"),
      fc.string({ minLength: 1, maxLength: 30 }),
    );
    const query = fc.oneof(
      fc.constant(""),
      fc.constantFrom("?state=open", "?limit=1", "?confirm=true", "?_method=POST", "?format=csv"),
      fc.webQueryParameters({ size: "small" }).map((text) => `?${text}`),
    );
    const headers = { ...(await app.headers()), "x-http-method-override": "POST" };
    const answered = await app.request(
      "GET",
      `/api/${route.replace(/\{\w+\}/, "miners")}`,
      undefined,
      headers,
    );
    // The app has answered, and not the host that found no function.
    expect(answered.headers.get("content-type")).not.toBeNull();
    await fc.assert(
      fc.asyncProperty(part, query, async (name, asked) => {
        const before = await state();
        const path = `/api/${route.replace(/\{\w+\}/, encodeURIComponent(name))}${asked}`;
        const { status } = await app.request("GET", path, undefined, headers);
        expect(status).toBeLessThan(500);
        expect(await state()).toEqual(before);
      }),
      { numRuns: 15 },
    );
  });
});
