import { describe, expect, it } from "vitest";
import { z } from "zod";
import { registerDecisions } from "../../src/functions/decisions.ts";
import { registerRuns } from "../../src/functions/runs.ts";
import { type Caller, ROLES, type Role } from "../../src/model/caller.ts";
import type { Remediation } from "../../src/model/remediation.ts";
import { appInProcess } from "../cli/app-in-process.ts";
import { asking, changed, HOUR, latest, MINUTE } from "../engine/deciding.ts";
import { alert, type Bench, bench } from "../engine/harness.ts";
import { another } from "../engine/processes.ts";
import { CLUSTER } from "../engine/world.ts";

const person = (name: string, roles: readonly Role[] = ROLES): Caller => ({
  ...{ id: `t/${name}`, name, kind: "person", groups: [] },
  roles,
});
const ANN = person("ann");
const BOB = person("bob");
const PIPELINE: Caller = { ...person("pipeline"), kind: "application" };

/** Posts to the functions of a bench, as somebody; a text is sent as it is. */
function poster(b: Bench) {
  let caller = ANN;
  const app = appInProcess(b.engine, (api) => {
    const own = { ...api, authenticate: () => Promise.resolve(caller) };
    registerDecisions(own);
    registerRuns(own);
  });
  return async (path: string, body: unknown, by = ANN) => {
    caller = by;
    const headers = { "content-type": "application/json" };
    const sent = typeof body === "string" ? body : JSON.stringify(body);
    const url = `http://127.0.0.1/api/${path}`;
    const answer = await app.fetch(url, { method: "POST", headers, body: sent });
    const json = z.record(z.string(), z.unknown()).parse(await answer.json());
    const [type, location] = ["content-type", "location"].map((name) => answer.headers.get(name));
    return { status: answer.status, type, location, json };
  };
}

/** Everything that a request could have changed. */
function state(b: Bench): object {
  const { pods, effects } = b.world;
  return structuredClone({ rows: b.table.snapshot(), pods: [...pods], effects, sent: b.sent });
}

function about(b: Bench, pod: string): Remediation {
  const found = b.records().find(({ target }) => "name" in target && target.name === pod);
  if (found === undefined) throw new Error(`nothing is about ${pod}`);
  return found;
}

/** What each decision is about: `web-1` waits, `web-2` is in force, `web-3` was rejected. */
const ABOUT = {
  approve: "web-1",
  reject: "web-1",
  revert: "web-2",
  extend: "web-2",
  retry: "web-3",
} as const;
type Decision = keyof typeof ABOUT;
const DECISIONS = Object.keys(ABOUT) as Decision[];

/** One remediation for every decision, and how to ask for it, with the body that is right or with another. */
async function lived() {
  const b = await asking();
  const post = poster(b);
  for (const pod of ["web-2", "web-3"]) {
    b.world.addPod(pod);
    await b.ingest(alert({ id: `a-${pod}`, pod }));
  }
  const good = (decision: Decision): Record<string, unknown> => ({
    reason: "looked at it",
    ...(decision === "approve" ? { planHash: about(b, "web-1").planHash } : {}),
    ...(decision === "extend" ? { by: "2h" } : {}),
  });
  const path = (decision: Decision, id = about(b, ABOUT[decision]).id) => `remediations/${id}/${decision}`;
  const { planHash } = about(b, "web-2");
  await post(path("approve", about(b, "web-2").id), { reason: "a miner", planHash });
  await post(path("reject", about(b, "web-3").id), { reason: "ours" });
  expect(["web-1", "web-2", "web-3"].map((pod) => about(b, pod).state)).toEqual([
    "awaiting-approval",
    "in-force",
    "rejected",
  ]);
  return { b, post, good, path };
}

describe("what people decide over HTTP", () => {
  it.each<[Decision, number, object]>([
    ["approve", 200, { state: "in-force", approval: { who: "ann", id: "t/ann", why: "looked at it" } }],
    ["reject", 200, { state: "rejected", reason: "rejected: looked at it", revertedBy: { who: "ann" } }],
    ["revert", 200, { state: "reverted", revertedBy: { who: "ann", why: "looked at it" } }],
    ["extend", 200, { state: "in-force", deadline: "2026-03-02T18:00:00.000Z" }],
    ["retry", 202, { state: "awaiting-approval", requestedBy: { who: "ann", id: "t/ann" } }],
  ])("%s answers %i with the remediation as it is then", async (decision, status, record) => {
    const { b, post, good, path } = await lived();
    const ids = b.records().map(({ id }) => id);
    const answer = await post(path(decision), good(decision));
    expect(answer).toMatchObject({ status, json: record });
    const { id, ...stored } = b.records().find((one) => one.id === answer.json["id"]) ?? {};
    expect(stored).toMatchObject(record);
    expect(ids.includes(String(id))).toBe(decision !== "retry");
    expect(answer.location).toBe(decision === "retry" ? `/api/remediations/${id}` : null);
    expect(b.broken()).toEqual([]);
  });

  const WHY = "reason: say why, in a few words.";
  const HASH = /^planHash: give the hash of the plan that you saw: `plan\.hash` of `GET /;
  const END = 'Give just one of "until" (a time) and "by" (a duration such as 4h).';
  const TIME = "until: give an ISO 8601 time, such as 2026-03-02T20:00:00Z.";
  it.each<[string, readonly Decision[], string | object, string | RegExp]>([
    ["no JSON", DECISIONS, "{", "The body is not JSON. Send a JSON object."],
    ["nothing", DECISIONS, "", "The body is empty. Send a JSON object."],
    ["no object", DECISIONS, "[]", /^The body: .*object/],
    ["a prototype", DECISIONS, '{"reason":"x","__proto__":{}}', /has a key __proto__\. Leave it out\.$/],
    ["no reason", DECISIONS, { reason: undefined }, WHY],
    ["an empty reason", DECISIONS, { reason: "" }, WHY],
    ["a blank reason", DECISIONS, { reason: " \n\t" }, WHY],
    ["a number as reason", DECISIONS, { reason: 7 }, WHY],
    ["a list as reason", DECISIONS, { reason: ["x"] }, WHY],
    ["a reason too long", DECISIONS, { reason: "x".repeat(501) }, "reason: use at most 500 characters."],
    [
      "an unknown key",
      DECISIONS,
      { dryRun: true },
      /^The body: dryRun is not known here; give an object with reason/,
    ],
    ["a forged caller", DECISIONS, { kind: "person" }, /^The body: kind is not known here/],
    ["no hash", ["approve"], { planHash: undefined }, HASH],
    ["an empty hash", ["approve"], { planHash: "" }, HASH],
    ["a number as hash", ["approve"], { planHash: 7 }, HASH],
    ["a hash too long", ["approve"], { planHash: "5".repeat(201) }, HASH],
    [
      "a hash where none is seen",
      ["reject", "retry"],
      { planHash: "5f" },
      /^The body: planHash is not known here/,
    ],
    ["no end", ["extend"], { by: undefined }, END],
    ["two ends", ["extend"], { until: "2026-03-02T20:00:00Z" }, END],
    ["no duration", ["extend"], { by: "soon" }, 'by: "soon" is no duration such as 30m or 8h.'],
    ["less than nothing", ["extend"], { by: "-4h" }, /"-4h" is no duration such as 30m/],
    ["a number as duration", ["extend"], { by: 7 }, /^by: give a duration such as 4h/],
    ["no time", ["extend"], { by: undefined, until: "tonight" }, TIME],
    ["a time without a zone", ["extend"], { by: undefined, until: "2026-03-02T20:00:00" }, TIME],
    ["a day that is not", ["extend"], { by: undefined, until: "2026-02-30T20:00:00Z" }, TIME],
  ])("say what is wrong with %s, and change nothing", async (_what, decisions, bad, detail) => {
    const { b, post, good, path } = await lived();
    const before = state(b);
    for (const decision of decisions) {
      const body = typeof bad === "string" ? bad : { ...good(decision), ...bad };
      const answer = await post(path(decision), body);
      expect(answer).toMatchObject({ status: 400, type: "application/problem+json" });
      expect(answer.json["detail"], decision).toMatch(detail);
      expect(Object.keys(answer.json)).toEqual(["type", "status", "title", "detail"]);
    }
    expect(state(b)).toEqual(before);
  });

  it.each(DECISIONS)("take as much as they say, and no more than 64 KiB: %s", async (decision) => {
    const { b, post, good, path } = await lived();
    const before = state(b);
    const huge = await post(path(decision), { ...good(decision), reason: "x".repeat(70_000) });
    expect(huge).toMatchObject({ status: 413, json: { detail: expect.stringMatching(/Send less\.$/) } });
    expect(state(b)).toEqual(before);
    const why = "é".repeat(500);
    const { status, json } = await post(path(decision), { ...good(decision), reason: ` ${why}\n` });
    expect(status).toBeLessThan(300);
    const { approval, revertedBy, requestedBy, reason } = json;
    const words = [approval, revertedBy, requestedBy].filter((word) => word !== null);
    // An extension has no field of its own for the word: it stands in the reason.
    if (decision === "extend") expect(reason).toContain("é".repeat(400));
    else expect(words).toContainEqual(expect.objectContaining({ why }));
  });

  it.each(DECISIONS)("know no remediation of another id: %s", async (decision) => {
    const { b, post, good, path } = await lived();
    const before = state(b);
    const { id } = about(b, ABOUT[decision]);
    const other = `${id.slice(0, -1)}${id.endsWith("0") ? "1" : "0"}`;
    for (const unknown of [other, id.toUpperCase(), id.slice(0, -1), "..%2f..%2fpauses", "x".repeat(300)]) {
      const answer = await post(path(decision, unknown), good(decision));
      expect(answer).toMatchObject({ status: 404, type: "application/problem+json" });
      expect(answer.json["detail"]).toBe(`There is no remediation ${unknown.slice(0, 60)}.`);
    }
    expect(state(b)).toEqual(before);
  });
});

describe("an approval over HTTP", () => {
  const approval = (b: Bench): { path: string; body: object } => {
    const { id, planHash } = latest(b);
    return { path: `remediations/${id}/approve`, body: { reason: "it is a miner", planHash } };
  };

  it("replayed after it was used changes nothing more", async () => {
    const b = await asking();
    const post = poster(b);
    const { path, body } = approval(b);
    // Not by whom it takes more than a role to be, nor by who lacks the role.
    for (const by of [PIPELINE, person("runner", ["Reflex.Read", "Reflex.Run", "Reflex.Admin"])]) {
      expect(await post(path, body, by)).toMatchObject({ status: 403 });
    }
    expect(b.world.effects).toEqual([]);
    expect(await post(path, body, ANN)).toMatchObject({ status: 200, json: { state: "in-force" } });
    expect(b.world.effects).toHaveLength(1);
    const replayed = async (): Promise<void> => {
      const { id } = latest(b);
      const before = { records: b.records(), effects: b.world.effects.length, sent: b.sent.length };
      for (const by of [ANN, BOB]) {
        const { status, type, json } = await post(path, body, by);
        expect({ status, type }).toEqual({ status: 409, type: "application/problem+json" });
        expect(json["detail"]).toBe(`remediation ${id} was already approved by ann`);
      }
      expect({ records: b.records(), effects: b.world.effects.length, sent: b.sent.length }).toEqual(before);
    };
    await replayed();
    await post(path.replace("/approve", "/revert"), { reason: "a drill" });
    expect(b.world.labelsOf("web-1")).toEqual({ app: "web" });
    await replayed();
    expect(b.world.labelsOf("web-1")).toEqual({ app: "web" });
  });

  it("is refused once its time has run out, by the caller who could have a minute before", async () => {
    const [early, late] = [await asking(), await asking()];
    early.clock.pass(4 * HOUR - MINUTE);
    late.clock.pass(4 * HOUR);
    const { path, body } = approval(late);
    expect(approval(early)).toEqual({ path, body });
    expect(await poster(early)(path, body)).toMatchObject({
      status: 200,
      json: { state: "in-force", approval: { id: "t/ann", at: "2026-03-02T11:59:00.000Z" } },
    });
    const { status, json } = await poster(late)(path, body);
    expect(status).toBe(409);
    expect(json["detail"]).toMatch(
      /^the time to approve remediation \w+ ran out at 2026-03-02T12:00:00\.000Z$/,
    );
    expect(json["advice"]).toContain("reflex retry");
    expect(late.records()).toMatchObject([{ approval: null }]);
    expect([early.world.effects.length, late.world.effects.length]).toEqual([1, 0]);
  });

  it("is never an application's, which may take back and begin anew", async () => {
    const { b, post, good, path } = await lived();
    const before = state(b);
    for (const decision of ["approve", "reject"] as const) {
      const { status, json } = await post(path(decision), good(decision), PIPELINE);
      expect(status).toBe(403);
      expect(json).toMatchObject({
        detail: "An application decides nothing.",
        advice: expect.stringContaining("person"),
      });
    }
    expect(state(b)).toEqual(before);
    for (const decision of ["extend", "revert", "retry", "approve"] as const) {
      const by = decision === "approve" ? BOB : PIPELINE;
      expect((await post(path(decision), good(decision), by)).status).toBeLessThan(300);
    }
    expect(about(b, "web-2")).toMatchObject({ state: "reverted", revertedBy: { id: "t/pipeline" } });
  });

  it.each([
    ["harms more than its target", { highImpact: true }],
    ["cannot be taken back", { reversible: false }],
  ])("of what %s takes a second person, not who asked for it", async (_what, more) => {
    const b = bench({ engine: changed(more) });
    const post = poster(b);
    const target = { kind: "pod", cluster: CLUSTER, namespace: "shop", name: "web-1" };
    const run = { target, mode: "enforce", ttl: "1h", reason: "a miner" };
    const { status, json } = await post("playbooks/quarantine/runs", run, ANN);
    expect({ status, json }).toMatchObject({
      status: 202,
      json: { state: "awaiting-approval", requestedBy: { id: "t/ann" } },
    });
    const { path, body } = approval(b);
    // A name can be changed, an id cannot.
    for (const by of [ANN, { ...ANN, name: "zoe" }]) {
      const refused = await post(path, body, by);
      expect(refused.status).toBe(422);
      expect(refused.json["detail"]).toBe("ann asked for this, and quarantine wants a second person");
    }
    expect(b.world.effects).toEqual([]);
    expect(b.records()).toMatchObject([{ state: "awaiting-approval", approval: null }]);
    const second = await post(path, body, BOB);
    expect(second).toMatchObject({ status: 200, json: { approval: { who: "bob" }, touched: true } });
    expect(b.world.effects).toHaveLength(1);
  });

  it("is nobody's whose role to approve does not reach the target", async () => {
    const b = await asking();
    const access = [
      { role: "Reflex.Approve" as const, to: ["ann"], scope: { allow: [{ namespace: "shop" }], deny: [] } },
    ];
    const post = poster({
      ...b,
      engine: another(b, { configuration: { ...b.engine.configuration, access } }),
    });
    const { path, body } = approval(b);
    expect(await post(path, body, BOB)).toMatchObject({ status: 403 });
    expect(b.records()).toMatchObject([{ state: "awaiting-approval", approval: null }]);
    expect(await post(path, body, ANN)).toMatchObject({ status: 200, json: { state: "in-force" } });
  });
});
