import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Refused } from "../../src/model/errors.ts";
import { type ApiServer, startApi } from "./api-server.ts";
import { reflex } from "./terminal.ts";

let api: ApiServer;
beforeEach(async () => {
  api = await startApi();
});
afterEach(() => api.close());

const SINCE = "2026-03-02T08:00:00.000Z";
const NOTHING = { held: false, pauses: [], trips: [] };
const HELD = {
  held: true,
  pauses: [
    { of: { kind: "all" }, who: "ann", why: "freeze", since: SINCE },
    { of: { kind: "rule", name: "miners" }, who: "bob", why: "too wide", since: SINCE },
  ],
  trips: [{ rule: "crypto", why: "3 failed", since: SINCE }],
};

describe("reflex pause", () => {
  it.each([
    [["--all"], { all: true }],
    [["--cluster", "prod"], { cluster: "prod" }],
    [["--rule", "miners"], { rule: "miners" }],
    [["--playbook", "isolate-pod"], { playbook: "isolate-pod" }],
  ])("holds what %o names, and shows what is held then", async (of, body) => {
    api.answer = () => ({ status: 200, json: HELD });
    const { code, out, err } = await reflex(["pause", ...of, "--reason", "freeze"], { env: api.env });
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(api.asked).toMatchObject([
      { method: "POST", path: "/api/pauses", body: { ...body, reason: "freeze" } },
    ]);
    expect(out.split("\n")).toEqual([
      "HELD                         BY           SINCE                     WHY",
      "everything                   REFLEX_MODE  -                         the app setting is off",
      `everything                   ann          ${SINCE}  freeze`,
      `rule miners                  bob          ${SINCE}  too wide`,
      `rule crypto (only observes)  engine       ${SINCE}  3 failed`,
      "",
    ]);
  });

  it("shows what is held, and says so where nothing is", async () => {
    api.answer = () => ({ status: 200, json: NOTHING });
    expect(await reflex(["pause", "--show"], { env: api.env })).toMatchObject({
      code: 0,
      out: "Nothing is held.\n",
    });
    expect(api.asked).toMatchObject([{ method: "GET", path: "/api/pauses" }]);
  });

  it("gives what the API gives with --json", async () => {
    api.answer = () => ({ status: 200, json: HELD });
    const { json } = await reflex(["pause", "--show", "--json"], { env: api.env });
    expect(json()).toEqual([HELD]);
  });

  it.each([
    [[], /say what to pause: --all, .*--show/],
    [["--all", "--rule", "miners", "--reason", "x"], /pause one thing at a time/],
    [["--all"], /say why: --reason TEXT/],
    [["--all", "--reason", " "], /say why/],
    [["--show", "--all"], /--show shows all that is held; give it alone/],
  ])("is wrong use with %o, and asks nobody", async (argv, sentence) => {
    const { code, out, err } = await reflex(["pause", ...argv], { env: api.env });
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(sentence);
    expect(err).toMatch(/^[^\n]+\n$/);
    expect(api.asked).toEqual([]);
  });

  it("answers 1 with the names that there are where the API knows none", async () => {
    api.answer = () => {
      throw new Refused("there is no rule miner", "Use one of: miners.");
    };
    expect(await reflex(["pause", "--rule", "miner", "--reason", "x"], { env: api.env })).toMatchObject({
      code: 1,
      err: "reflex: there is no rule miner. Use one of: miners.\n",
    });
  });
});

describe("reflex resume", () => {
  it("lets go on what it names, with the reason", async () => {
    api.answer = () => ({ status: 200, json: NOTHING });
    const argv = ["resume", "--rule", "miners", "--reason", "mended"];
    expect(await reflex(argv, { env: api.env })).toMatchObject({ code: 0, out: "Nothing is held.\n" });
    expect(api.asked).toMatchObject([
      { method: "POST", path: "/api/pauses/resume", body: { rule: "miners", reason: "mended" } },
    ]);
  });

  it("is wrong use without a name", async () => {
    expect(await reflex(["resume", "--reason", "x"], { env: api.env })).toMatchObject({
      code: 2,
      err: expect.stringContaining("say what to resume"),
    });
  });
});
