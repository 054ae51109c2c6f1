import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { playbooks } from "../../src/playbooks/index.ts";
import { alert } from "../engine/harness.ts";
import { CLUSTER } from "../engine/world.ts";
import { ISOLATES, KillableApp } from "../scenarios/killed-app.ts";

const RUNS = "/api/playbooks/isolate-pod/runs";
const target = (name: string) => ({ kind: "pod", cluster: CLUSTER, namespace: "shop", name });

describe("the API of the built app", () => {
  let app: KillableApp;

  beforeAll(async () => {
    app = await KillableApp.start(ISOLATES);
    app.kubernetes.seed(
      ["web-0", "web-1", "web-2"].map((name) => ({
        apiVersion: "v1",
        kind: "Pod",
        metadata: {
          name,
          namespace: "shop",
          labels: { app: "web" },
          creationTimestamp: "2026-01-01T00:00:00Z",
        },
        spec: { nodeName: "n1", containers: [{ name: "c", image: "registry.example/web:1" }] },
        status: { phase: "Running" },
      })),
    );
  }, 120_000);
  afterAll(() => app.stop());

  const effects = () => app.kubernetes.effects.length;

  it.each([
    ["GET", "/api/health"],
    ["GET", "/api/remediations"],
    ["POST", RUNS],
    ["POST", "/api/remediations/a0000000000000aaaaaaaa/revert"],
  ])("asks for a key before anything else: %s %s", async (method, path) => {
    expect((await app.request(method, path, undefined, {})).status).toBe(401);
    expect((await app.request(method, path, undefined, { "x-functions-key": "wrong" })).status).toBe(401);
  });

  it("says with which configuration and ceiling it works", async () => {
    const { status, json } = await app.request("GET", "/api/health");
    expect(status).toBe(200);
    expect(json).toMatchObject({ status: "ok", ceiling: "enforce", rules: 1 });
    expect(json["playbooks"]).toEqual(playbooks.map(({ name }) => name));
  });

  it("observes a run that names no mode, and says where its remediation is", async () => {
    const before = effects();
    const { status, headers, json } = await app.request("POST", RUNS, {
      target: target("web-0"),
      reason: "a look",
    });
    expect(status).toBe(202);
    expect(json).toMatchObject({ state: "observed", mode: "observe", requestedBy: { why: "a look" } });
    expect(headers.get("location")).toBe(`/api/remediations/${String(json["id"])}`);
    expect(effects()).toBe(before);
    const shown = await app.request("GET", headers.get("location") ?? "");
    expect(shown.json).toMatchObject({ remediation: { id: json["id"] }, plan: {}, history: [{}] });
  });

  it("runs once for one idempotency key, and takes it back once", async () => {
    const headers = { ...(await app.headers()), "idempotency-key": "incident-42" };
    const body = { target: target("web-1"), mode: "enforce", ttl: "8h", reason: "web shell" };
    const first = await app.request("POST", RUNS, body, headers);
    const again = await app.request("POST", RUNS, body, headers);
    expect(first.json).toMatchObject({ state: "in-force", proof: "declared" });
    expect(again.json["id"]).toBe(first.json["id"]);
    expect(effects()).toBe(2);
    const path = `/api/remediations/${String(first.json["id"])}/revert`;
    expect((await app.request("POST", path, {})).status).toBe(400);
    expect((await app.request("POST", path, { reason: "a drill" })).json).toMatchObject({
      state: "reverted",
    });
    expect((await app.request("POST", path, { reason: "again" })).json).toMatchObject({ state: "reverted" });
    expect(effects()).toBe(4);
  });

  it("lists newest first with filters and paging, and changes nothing by it", async () => {
    const before = effects();
    const all = await app.request("GET", "/api/remediations");
    const ids = (all.json["remediations"] as { id: string }[]).map(({ id }) => id);
    expect(ids).toHaveLength(2);
    const page = await app.request("GET", "/api/remediations?limit=1");
    expect(page.json).toMatchObject({ remediations: [{ id: ids[0] }], next: ids[0] });
    const next = await app.request("GET", `/api/remediations?limit=1&after=${ids[0]}`);
    expect(next.json).toMatchObject({ remediations: [{ id: ids[1] }], next: null });
    const reverted = await app.request("GET", "/api/remediations?state=reverted&playbook=isolate-pod");
    expect(reverted.json).toMatchObject({ remediations: [{ state: "reverted" }] });
    const of = encodeURIComponent(JSON.stringify(target("web-0")));
    const byTarget = await app.request("GET", `/api/remediations?target=${of}`);
    expect(byTarget.json).toMatchObject({ remediations: [{ state: "observed" }] });
    expect((await app.request("GET", "/api/remediations?state=open")).json).toMatchObject({
      remediations: [],
    });
    expect(effects()).toBe(before);
  });

  const good = { target: target("web-2"), reason: "x" };
  it.each([
    ["no JSON", RUNS, "{", 400, "not JSON"],
    ["nothing", RUNS, "", 400, "empty"],
    ["too much", RUNS, `"${"x".repeat(70_000)}"`, 413, "characters"],
    ["an unknown field", RUNS, { ...good, moed: "enforce" }, 400, "moed"],
    ["no reason", RUNS, { target: good.target }, 400, "reason"],
    ["an unknown mode", RUNS, { ...good, mode: "dry" }, 400, "mode"],
    ["no duration", RUNS, { ...good, ttl: "soon" }, 400, "ttl"],
    ["a channel that is not there", RUNS, { ...good, notify: ["nobody"] }, 400, "channel nobody"],
    [
      "a target of another kind",
      RUNS,
      { ...good, target: { kind: "cluster", cluster: CLUSTER } },
      422,
      "pod",
    ],
    ["an unknown playbook", "/api/playbooks/erase/runs", good, 422, "erase"],
    ["parameters that are not known", RUNS, { ...good, parameters: { grace: 1 } }, 422, "grace"],
    ["an id that is none", "/api/remediations/..%2f..%2fx/revert", { reason: "x" }, 404, "no remediation"],
  ])("answers %s with problem details that say what to do", async (_what, path, body, status, words) => {
    const before = effects();
    const answer = await app.request("POST", path, body);
    expect(answer.status).toBe(status);
    expect(answer.headers.get("content-type")).toContain("application/problem+json");
    expect(answer.json).toMatchObject({ status, title: expect.any(String) });
    expect(String(answer.json["detail"])).toContain(words);
    expect(answer.text).not.toMatch(/\bat .*\.(ts|js):\d+/);
    expect(effects()).toBe(before);
  });

  it.each(["colour=red", "state=shut", "limit=0", "limit=501", "from=soon", "after=zz", "target=pod"])(
    "refuses the filter %s",
    async (query) => {
      const { status, json } = await app.request("GET", `/api/remediations?${query}`);
      expect(status).toBe(400);
      expect(String(json["detail"])).toContain(query.split("=")[0] ?? "");
    },
  );

  it("puts what a person asks for in a protected namespace on record as refused", async () => {
    const { status, json } = await app.request("POST", RUNS, {
      target: { ...target("coredns"), namespace: "kube-system" },
      mode: "enforce",
      reason: "a mistake",
    });
    expect(status).toBe(202);
    expect(json["state"]).toMatch(/refused|skipped/);
  });

  it("handles what comes over the hub beside it", async () => {
    const at = new Date(app.now().getTime() - 60_000).toISOString();
    await app.send([alert({ id: "over-the-hub", pod: "web-2", at })]);
    const found = async () =>
      (await app.request("GET", "/api/remediations?signal=over-the-hub")).json["remediations"] as object[];
    for (let tries = 0; tries < 100 && (await found()).length === 0; tries++) {
      await new Promise((later) => setTimeout(later, 100));
    }
    expect(await found()).toMatchObject([{ rule: { name: "miners" } }]);
  });
});
