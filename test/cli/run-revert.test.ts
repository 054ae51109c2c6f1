import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BadRequest } from "../../src/functions/problem.ts";
import { Conflict, Refused, Retryable } from "../../src/model/errors.ts";
import { type ApiServer, aRecord, startApi } from "./api-server.ts";
import { reflex } from "./terminal.ts";

let api: ApiServer;
beforeEach(async () => {
  api = await startApi();
});
afterEach(() => api.close());

const TARGET = '{"kind":"pod","cluster":"/subscriptions/s/x/prod","namespace":"shop","name":"web-1"}';

describe("reflex run", () => {
  it("observes unless told otherwise, and gives a reason of its own", async () => {
    api.answer = () => ({ status: 202, json: aRecord({ state: "observed", proof: null, mode: "observe" }) });
    const { code, out, err } = await reflex(["run", "isolate-pod", "--target", TARGET], { env: api.env });
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain("state           observed\n");
    expect(api.asked).toMatchObject([
      {
        method: "POST",
        path: "/api/playbooks/isolate-pod/runs",
        body: {
          target: JSON.parse(TARGET),
          parameters: {},
          mode: "observe",
          reason: expect.stringContaining("by hand"),
        },
      },
    ]);
    expect(api.asked[0]?.headers["idempotency-key"]).toBeUndefined();
  });

  it("sends parameters as JSON where they read as JSON, else as text, and everything else as given", async () => {
    const record = aRecord();
    api.answer = () => ({ status: 202, json: record });
    const params = ["tags=true", "limit=3", "names=[1]", "note=a=b", "empty=", "text=007x", "__proto__=1"];
    const { json } = await reflex(
      [
        ...[
          "run",
          "block-image",
          "--target",
          TARGET,
          "--mode",
          "enforce",
          "--reason",
          "drill",
          "--ttl",
          "8h",
        ],
        ...["--idempotency-key", "k-1", "--json", ...params.flatMap((one) => ["--param", one])],
      ],
      { env: api.env },
    );
    expect(json()).toEqual([record]);
    const [asked] = api.asked;
    expect(asked?.headers["idempotency-key"]).toBe("k-1");
    expect(asked?.body).toEqual({
      target: JSON.parse(TARGET),
      parameters: JSON.parse(
        '{"tags":true,"limit":3,"names":[1],"note":"a=b","empty":"","text":"007x","__proto__":1}',
      ),
      mode: "enforce",
      reason: "drill",
      ttl: "8h",
    });
  });

  it.each(["refused", "skipped", "failed"])(
    "answers 1 and shows the record when it ends %s",
    async (state) => {
      api.answer = () => ({
        status: 202,
        json: aRecord({ state, proof: null, reason: "the namespace is protected" }),
      });
      const { code, out } = await reflex(["run", "isolate-pod", "--target", TARGET], { env: api.env });
      expect(code).toBe(1);
      expect(out).toContain(`state           ${state}\n`);
      expect(out).toContain("the namespace is protected");
    },
  );

  it("answers 1 with what to do where the API refuses, and 2 where the request was wrong", async () => {
    api.answer = () => {
      throw new Refused("there is no playbook isolate-pods", "Use one of: isolate-pod, notify.");
    };
    expect(await reflex(["run", "isolate-pods", "--target", TARGET], { env: api.env })).toMatchObject({
      code: 1,
      out: "",
      err: "reflex: there is no playbook isolate-pods. Use one of: isolate-pod, notify.\n",
    });
    api.answer = () => {
      throw new BadRequest('ttl: "soon" is no duration such as 30m or 8h.');
    };
    expect(
      await reflex(["run", "notify", "--target", TARGET, "--ttl", "soon"], { env: api.env }),
    ).toMatchObject({
      code: 2,
      err: 'reflex: ttl: "soon" is no duration such as 30m or 8h.\n',
    });
  });
});

describe("reflex revert", () => {
  const argv = ["revert", "a826763190399990000abc", "--reason", "false alarm"];

  it.each([
    ["reverted", "taken back by   ada: false alarm\n"],
    ["rejected", "rejected by     ada: false alarm\n"],
  ])("answers 0 when it ends %s", async (state, words) => {
    api.answer = () => ({
      status: 200,
      json: aRecord({ state, revertedBy: { who: "ada", id: "t/ada", why: "false alarm" } }),
    });
    const { code, out } = await reflex(argv, { env: api.env });
    expect(code).toBe(0);
    expect(out).toContain(words);
    expect(api.asked).toMatchObject([
      {
        method: "POST",
        path: "/api/remediations/a826763190399990000abc/revert",
        body: { reason: "false alarm" },
      },
    ]);
  });

  it("answers 1 and lists what remains when somebody else's change is in the way", async () => {
    const record = aRecord({ state: "superseded", remains: ["spec.replicas is 3, set by ada"] });
    api.answer = () => ({ status: 200, json: record });
    const { code, out } = await reflex(argv, { env: api.env });
    expect(code).toBe(1);
    expect(out).toContain("state           superseded (proved)\n");
    expect(out).toContain("remains         spec.replicas is 3, set by ada\n");
    const asJson = await reflex([...argv, "--json"], { env: api.env });
    expect(asJson.code).toBe(1);
    expect(asJson.json()).toEqual([record]);
  });

  it("answers 1 while it is still going on", async () => {
    api.answer = () => ({ status: 200, json: aRecord({ state: "reverting" }) });
    expect((await reflex(argv, { env: api.env })).code).toBe(1);
  });

  it.each([
    [
      new Retryable("remediation x is being worked on", "Ask again in a moment.", { retryAfterMs: 5_000 }),
      /being worked on\. Ask again/,
    ],
    [
      new Refused("remediation x is done and left nothing", "Nothing needs to be done."),
      /left nothing\. Nothing needs/,
    ],
    [new Conflict("the policy was changed", "Look at it."), /was changed\. Look at it\./],
    [new Error("a secret of the store"), /could not be carried out\. Look at the log/],
  ])("answers 1 with the reason and the advice: %s", async (error, sentence) => {
    api.answer = () => {
      throw error;
    };
    const { code, out, err } = await reflex(argv, { env: api.env });
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toMatch(sentence);
    expect(err).toMatch(/^[^\n]+\n$/);
    expect(err).not.toContain("secret");
  });
});
