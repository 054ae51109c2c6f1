import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { registerDecisions } from "../../src/functions/decisions.ts";
import { BadRequest, Forbidden } from "../../src/functions/problem.ts";
import { registerRemediations } from "../../src/functions/remediations.ts";
import { Conflict, Refused, Retryable } from "../../src/model/errors.ts";
import { asking, HOUR, latest, MINUTE } from "../engine/deciding.ts";
import type { Bench } from "../engine/harness.ts";
import { sweepAfter } from "../engine/processes.ts";
import { type ApiServer, aRecord, startApi } from "./api-server.ts";
import { appInProcess } from "./app-in-process.ts";
import { HOSTILE, type Machine, type Ran, reflex, unsafeIn } from "./terminal.ts";

const ID = "a826763190399990000abc";
const PATH = `/api/remediations/${ID}`;
const HASH = "5f".repeat(32);
const WHY = ["--reason", "it is a miner"];
const PLAN = {
  steps: [{ sentence: "label web-1", touches: ["pod/shop/web-1#labels.quarantine"] }],
  impact: "The pod loses its network.",
  hash: HASH,
};
const NOT_APPROVED = "awaiting-approval refused skipped failed superseded observed";
const COMMANDS: readonly [string, readonly string[]][] = [
  ["approve", ["approve", ID, "--plan", HASH, ...WHY]],
  ["reject", ["reject", ID, ...WHY]],
  ["extend", ["extend", ID, "--by", "4h", ...WHY]],
  ["retry", ["retry", ID, ...WHY]],
];

describe("against an API", () => {
  let api: ApiServer;
  beforeEach(async () => {
    api = await startApi();
  });
  afterEach(() => api.close());

  const run = (argv: readonly string[], more: Machine = {}): Promise<Ran> =>
    reflex(argv, { env: api.env, ...more });
  /** The API shows what waits with its plan, and gives this for every word. */
  const answers = (record: Record<string, unknown>, plan: unknown = PLAN): void => {
    const waits = aRecord({ ...record, state: "awaiting-approval" });
    api.answer = ({ method }) =>
      method === "GET"
        ? { status: 200, json: { remediation: waits, plan, history: [] } }
        : { status: 200, json: record };
  };

  const approve = ["approve", ID, ...WHY];

  it.each(["y", "Yes", " YES "])("reflex approve shows the plan it approves on %j", async (answer) => {
    answers(aRecord());
    const questions: string[] = [];
    const ask = (question: string): string => {
      questions.push(question, ...api.asked.map(({ method }) => method));
      return answer;
    };
    const { code, out, err } = await run([...approve, "--json"], { ask });
    expect(code).toBe(0);
    expect(questions).toEqual(["Approve this plan? [y/N] ", "GET"]);
    expect(err).toContain("state           awaiting-approval (proved)\n");
    expect(err).toContain("  1. label web-1\n     touches pod/shop/web-1#labels.quarantine\n");
    expect(err).toContain(`  Impact: The pod loses its network.\n  Hash: ${HASH}\n`);
    // What a program reads is the answer alone.
    expect(out).toBe(`${JSON.stringify(aRecord())}\n`);
    expect(api.asked.slice(1)).toMatchObject([{ path: `${PATH}/approve`, body: { planHash: HASH } }]);
  });

  it.each(["", "n", "no", "yesterday", "y\ny"])("reflex approve does nothing on %j", async (answer) => {
    answers(aRecord());
    const { code, out, err } = await run(approve, { ask: () => answer });
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toMatch(/\nreflex: nothing was approved\.\n$/);
    expect(api.asked.map(({ method }) => method)).toEqual(["GET"]);
  });

  it("reflex approve sends nothing where nobody can be asked, or where there is no plan to ask about", async () => {
    answers(aRecord(), null);
    const unasked = await run(approve);
    expect(unasked).toMatchObject({ code: 2, out: "" });
    expect(unasked.err).toMatch(/^reflex: nobody is asked without .* and give --plan HASH\.\n$/);
    expect(api.asked).toEqual([]);
    const planless = await run(approve, { ask: () => "y" });
    expect(planless).toMatchObject({ code: 1, out: "" });
    expect(planless.err).toBe(`reflex: remediation ${ID} is awaiting-approval and has no plan.\n`);
    expect(api.asked).toMatchObject([{ method: "GET" }]);
  });

  const later = "2026-03-02T20:00+02:00";
  it.each<[string, readonly string[], object, string, string]>([
    ["approve", ["--plan", HASH], { planHash: HASH }, "in-force verifying done no-op", NOT_APPROVED],
    ["reject", [], {}, "rejected", "skipped in-force"],
    ["retry", [], {}, "in-force awaiting-approval observed done", "refused skipped failed"],
    ["extend", ["--by", "1h30m"], { by: "1h30m" }, "in-force", ""],
    ["extend", ["--until", later], { until: "2026-03-02T18:00:00.000Z" }, "in-force", ""],
  ])("reflex %s %j sends one request with %j, and tells by its end whether it is so", async (...row) => {
    const [command, more, body, good, bad] = row;
    const ends = [good, bad].flatMap((states, code) =>
      states.split(" ").flatMap((state) => (state === "" ? [] : [{ state, code }])),
    );
    for (const { state, code } of ends) {
      const record = aRecord({ state });
      answers(record);
      api.asked.length = 0;
      const { out, ...ran } = await run([command, ID, ...more, ...WHY]);
      expect({ state, ...ran }).toMatchObject({ state, code, err: "" });
      expect(out).toContain(`id              ${ID}\nstate           ${state} (proved)\n`);
      expect(api.asked).toMatchObject([{ method: "POST", path: `${PATH}/${command}` }]);
      expect(api.asked[0]?.body).toEqual({ reason: "it is a miner", ...body });
      const asJson = await run([command, ID, ...more, ...WHY, "--json"]);
      expect({ code: asJson.code, json: asJson.json() }).toEqual({ code, json: [record] });
    }
  });

  it.each(COMMANDS)("reflex %s gives a refusal as one sentence and what to do", async (_name, argv) => {
    const refusals: readonly [Error, number, string][] = [
      [new Conflict("it has changed since you looked", "Look again."), 1, "since you looked. Look again."],
      [new Forbidden("This needs a role.", "Ask for it."), 1, "This needs a role. Ask for it."],
      [new BadRequest(`There is no remediation ${ID}.`, 404), 1, `There is no remediation ${ID}.`],
      [new Refused("it wants a second person", "Ask one."), 1, "it wants a second person. Ask one."],
      [new Retryable("it is driven", "Ask again.", { retryAfterMs: 5_000 }), 1, "it is driven. Ask again."],
      [new BadRequest("reason: say why, in a few words."), 2, "reason: say why, in a few words."],
      [new TypeError("a secret of the store"), 1, "could not be carried out. Look at the log"],
    ];
    for (const [error, code, sentence] of refusals) {
      api.answer = () => {
        throw error;
      };
      const ran = await run(argv);
      expect(ran).toMatchObject({ code, out: "", err: expect.stringContaining(sentence) });
      expect(ran.err).toMatch(/^reflex: [^\n]+\n$/);
      expect(ran.err).not.toMatch(/secret|\bat .*\.[jt]s:\d+/);
    }
    expect(api.asked).toHaveLength(refusals.length);
  });

  it.each(COMMANDS)("reflex %s lets no text of the API reach the terminal as it is", async (_name, argv) => {
    const person = { who: HOSTILE, why: HOSTILE };
    const record = aRecord({
      ...{ id: HOSTILE, state: HOSTILE, proof: HOSTILE, reason: HOSTILE, remains: [HOSTILE], mode: HOSTILE },
      ...{ playbook: HOSTILE, target: { kind: HOSTILE }, rule: { name: HOSTILE }, deadline: HOSTILE },
      ...{ signal: { id: HOSTILE, kind: HOSTILE, key: HOSTILE, title: HOSTILE, severity: HOSTILE } },
      ...{ requestedBy: person, approval: person, revertedBy: person, createdAt: HOSTILE },
    });
    const step = { sentence: HOSTILE, touches: [HOSTILE] };
    answers(record, { steps: [step], impact: HOSTILE, limits: [HOSTILE], hash: HOSTILE });
    const asJson = await run([...argv, "--json"]);
    expect(asJson.json()).toEqual([record]);
    const rans = [asJson, await run(argv)];
    if (argv[0] === "approve") rans.push(await run(["approve", ID, ...WHY], { ask: () => "no" }));
    api.answer = () => {
      throw new Conflict(HOSTILE, HOSTILE);
    };
    rans.push(await run(argv));
    for (const { out, err } of rans) {
      expect(out + err).toContain("\\u202e");
      expect(unsafeIn(out + err)).toEqual([]);
      expect(out + err).not.toMatch(/^id {2}forged/m);
    }
  });

  it.each(COMMANDS)("reflex %s takes no path for an id, and asks nobody then", async (_name, argv) => {
    const { code, err } = await run(argv.map((word) => (word === ID ? "../pauses" : word)));
    expect(code).toBe(2);
    expect(err).toContain("is no id of a remediation; look it up with `reflex list`");
    expect(api.asked).toEqual([]);
  });
});

describe("with the engine behind it", () => {
  /** A terminal whose API works on this bench. */
  function terminal(b: Bench): (argv: readonly string[], ask?: () => string) => Promise<Ran> {
    const app = appInProcess(b.engine, (api) => {
      registerDecisions(api);
      registerRemediations(api);
    });
    return (argv, ask) => reflex([...argv, ...WHY], { ...app, ...(ask === undefined ? {} : { ask }) });
  }
  const approval = (b: Bench, hash = latest(b).planHash): string[] =>
    `approve ${latest(b).id} --plan ${hash}`.split(" ");

  it("what waits begins with an approval, once: the same again does nothing", async () => {
    const b = await asking();
    const run = terminal(b);
    const argv = approval(b);
    expect(b.records()).toMatchObject([{ state: "awaiting-approval", approval: null }]);
    expect(b.world.effects).toEqual([]);
    const { code, out, err } = await run(argv);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain("approved by     ann: it is a miner\n");
    expect(b.records()).toMatchObject([{ state: "in-force", approval: { who: "ann", id: "t/ann" } }]);
    expect(b.world.labelsOf("web-1")["quarantine"]).toBe(latest(b).id);
    const after = b.records();
    expect(await run(argv)).toMatchObject({
      code: 1,
      out: "",
      err: `reflex: remediation ${latest(b).id} was already approved by ann. See what became of it.\n`,
    });
    expect(b.records()).toEqual(after);
    expect(b.world.effects).toHaveLength(1);
    expect(b.broken()).toEqual([]);
  });

  it("another plan than the one that waits is not begun, and the right one still can be", async () => {
    const b = await asking();
    const run = terminal(b);
    for (const hash of [HASH, (latest(b).planHash ?? "").slice(0, -1)]) {
      const { code, out, err } = await run(approval(b, hash));
      expect({ code, out }).toEqual({ code: 1, out: "" });
      expect(err).toContain(`changed since you looked. Look again with \`reflex show ${latest(b).id}\``);
    }
    expect(b.records()).toMatchObject([{ state: "awaiting-approval", approval: null }]);
    expect(b.world.effects).toEqual([]);
    expect((await run(approval(b))).code).toBe(0);
    expect(b.world.effects).toHaveLength(1);
  });

  it.each([
    ["one minute before its time runs out succeeds", 4 * HOUR - MINUTE, 0, "in-force", 1],
    ["once its time has run out is refused", 4 * HOUR, 1, "awaiting-approval", 0],
  ])("an approval %s", async (_name, passed, code, state, effects) => {
    const b = await asking();
    b.clock.pass(passed);
    const ran = await terminal(b)(approval(b));
    expect(ran.code).toBe(code);
    expect(ran.err).toMatch(code === 0 ? /^$/ : /ran out at 2026-03-02T12:00:00\.000Z\. .*`reflex retry /);
    expect(latest(b)).toMatchObject({ state });
    expect(b.world.effects).toHaveLength(effects);
  });

  it("a person who says no, or whose plan changes while thinking, begins nothing", async () => {
    const b = await asking();
    const run = terminal(b);
    const approve = ["approve", latest(b).id];
    const no = await run(approve, () => "n");
    expect(no).toMatchObject({ code: 1, out: "", err: expect.stringContaining("  1. label web-1\n") });
    const { code, out } = await run(approve, () => {
      b.world.addPod("web-1");
      return "y";
    });
    expect(code).toBe(1);
    expect(out).toContain("the plan has changed since ann approved it: look at the new one\n");
    expect(b.records()).toMatchObject([{ state: "awaiting-approval", approval: null }]);
    expect(b.world.effects).toEqual([]);
    expect((await run(approve, () => "y")).code).toBe(0);
    expect(b.world.effects).toHaveLength(1);
  });

  it("what was rejected begins anew by a retry, as one new remediation that waits again", async () => {
    const b = await asking();
    const run = terminal(b);
    const first = latest(b).id;
    expect((await run(["reject", first])).out).toContain("rejected by     ann: it is a miner\n");
    expect(b.records()).toMatchObject([{ id: first, state: "rejected", revertedBy: { who: "ann" } }]);
    expect((await run(approval(b))).code).toBe(1);
    b.clock.pass(MINUTE);
    const [one, other] = [await run(["retry", first, "--json"]), await run(["retry", first, "--json"])];
    const second = latest(b).id;
    expect([one.code, other.code]).toEqual([0, 0]);
    for (const { json } of [one, other]) expect(json()).toMatchObject([{ id: second }]);
    expect(second).not.toBe(first);
    expect(b.records()).toHaveLength(2);
    expect(latest(b)).toMatchObject({ state: "awaiting-approval", requestedBy: { who: "ann" } });
    expect(b.world.effects).toEqual([]);
    expect((await run(approval(b))).code).toBe(0);
    expect(b.world.labelsOf("web-1")["quarantine"]).toBe(second);
    expect(await run(["reject", second])).toMatchObject({
      code: 1,
      err: expect.stringContaining(`Take it back with \`reflex revert ${second}\`.`),
    });
    expect(b.broken()).toEqual([]);
  });

  it("an extension moves the end of what is in force, and to no earlier one", async () => {
    const b = await asking();
    const run = terminal(b);
    const extend = ["extend", latest(b).id];
    const early = await run([...extend, "--by", "1h"]);
    expect(early.code).toBe(1);
    expect(early.err).toContain("only what is in force has a deadline. Ask again once it is in force.");
    await run(approval(b));
    expect(latest(b)).toMatchObject({ deadline: "2026-03-02T16:00:00.000Z" });
    const sooner = await run([...extend, "--until", "2026-03-02T15:00:00Z"]);
    expect(sooner.code).toBe(1);
    expect(sooner.err).toContain(`stays in force until 2026-03-02T16:00:00.000Z anyway. Give a later end`);
    const { code, out } = await run([...extend, "--until", "2026-03-02T17:00:00Z"]);
    expect(code).toBe(0);
    expect(out).toContain("ends            2026-03-02T17:00:00.000Z\n");
    expect((await run([...extend, "--by", "1h"])).code).toBe(0);
    await sweepAfter(b, 9 * 60 + 59);
    expect(latest(b)).toMatchObject({ state: "in-force", deadline: "2026-03-02T18:00:00.000Z" });
    await sweepAfter(b, 1);
    expect(latest(b)).toMatchObject({ state: "reverted", revertedBy: null });
    expect(b.world.labelsOf("web-1")).toEqual({ app: "web" });
  });
});
