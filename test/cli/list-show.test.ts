import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BadRequest } from "../../src/functions/problem.ts";
import { type ApiServer, aRecord, startApi } from "./api-server.ts";
import { HOSTILE, reflex, unsafeIn } from "./terminal.ts";

let api: ApiServer;
beforeEach(async () => {
  api = await startApi();
});
afterEach(() => api.close());

const IMAGE = {
  kind: "image",
  cluster: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Kubernetes/connectedClusters/arc",
  reference: null,
  digest: `sha256:${"0123456789abcdef".repeat(4)}`,
};

describe("reflex list", () => {
  it("prints an aligned table, newest first as the API says", async () => {
    const remediations = [
      aRecord({ createdAt: "2026-03-02T07:59:20.000Z", state: "awaiting-approval", proof: null }),
      aRecord({ playbook: "block-image", target: IMAGE, signal: { id: "manual:1", severity: null } }),
      aRecord({ createdAt: "2026-02-20T06:00:00.000Z", state: "done", rule: { name: "r" } }),
      aRecord({ target: { kind: "vault", id: "/x/y" }, signal: { id: "1", severity: "Low" } }),
    ];
    api.answer = () => ({ status: 200, json: { remediations, next: null } });
    const { code, out, err } = await reflex(["list"], { env: api.env });
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toBe(
      [
        "ID                      AGE  STATE              PROOF   PLAYBOOK     TARGET                                                        RULE           SEVERITY",
        "a826763190399990000abc  40s  awaiting-approval  -       isolate-pod  pod shop/web-1 on prod                                        miner-contain  High",
        "a826763190399990000abc  2h   in-force           proved  block-image  image sha256:0123456789abcdef0…abcdef0123456789abcdef on arc  miner-contain  -",
        "a826763190399990000abc  10d  done               proved  isolate-pod  pod shop/web-1 on prod                                        r              High",
        'a826763190399990000abc  2h   in-force           proved  isolate-pod  {"kind":"vault","id":"/x/y"}                                  miner-contain  Low',
        "",
      ].join("\n"),
    );
  });

  it("asks with every filter, times as ISO 8601 in UTC, and the key in a header only", async () => {
    api.answer = () => ({ status: 200, json: { remediations: [], next: null } });
    const target = '{"kind":"namespace","cluster":"c","name":"n&m"}';
    const argv = [
      "list",
      "--state",
      "open,done",
      "--target",
      target,
      "--alert",
      "2517_1",
      "--playbook",
      "notify",
    ];
    const times = ["--rule", "r", "--since", "1h30m", "--until", "2026-03-02T09:00+02:00", "--limit", "7"];
    const { code, out } = await reflex([...argv, ...times], { env: api.env });
    expect({ code, out }).toEqual({ code: 0, out: "No remediations.\n" });
    expect(api.asked).toHaveLength(1);
    expect(api.asked[0]).toMatchObject({ method: "GET", path: "/api/remediations", body: null });
    expect(api.asked[0]?.query).toEqual({
      state: "open,done",
      target,
      signal: "2517_1",
      playbook: "notify",
      rule: "r",
      from: "2026-03-02T06:30:00.000Z",
      to: "2026-03-02T07:00:00.000Z",
      limit: "7",
    });
    expect(api.asked[0]?.headers["x-functions-key"]).toBe(api.env["REFLEX_KEY"]);
  });

  it.each([
    ["2026-03-02", "2026-03-02T00:00:00.000Z"],
    ["2026-03-02T08:30", "2026-03-02T08:30:00.000Z"],
    ["2026-03-02T08:30:01.5Z", "2026-03-02T08:30:01.500Z"],
    ["0s", "2026-03-02T08:00:00.000Z"],
  ])("takes the time %s as %s", async (written, from) => {
    api.answer = () => ({ status: 200, json: { remediations: [], next: null } });
    await reflex(["list", "--since", written], { env: api.env });
    expect(api.asked[0]?.query).toEqual({ from });
  });

  it("says when there are older ones, and gets all page by page with --all", async () => {
    const ids = Array.from({ length: 5 }, (_none, index) => `a82676319039999000000${index}`);
    api.answer = ({ query }) => {
      const from = query["after"] === undefined ? 0 : ids.indexOf(query["after"]) + 1;
      const page = ids.slice(from, from + 2);
      const next = from + 2 < ids.length ? (page.at(-1) ?? null) : null;
      return { status: 200, json: { remediations: page.map((id) => aRecord({ id })), next } };
    };
    const first = await reflex(["list"], { env: api.env });
    expect(first.out.trimEnd().split("\n")).toHaveLength(4);
    expect(first.out).toMatch(/There are older ones: add --all\.\n$/);
    const all = await reflex(["list", "--all", "--json", "--rule", "r"], { env: api.env });
    expect(all.json().map((record) => (record as { id: string }).id)).toEqual(ids);
    expect(api.asked.slice(1).map(({ query }) => query)).toEqual([
      { rule: "r", limit: "200" },
      { rule: "r", limit: "200", after: ids[1] },
      { rule: "r", limit: "200", after: ids[3] },
    ]);
  });

  it("does not follow pages that run in a circle", async () => {
    api.answer = () => ({ status: 200, json: { remediations: [], next: "a826763190399990000000" } });
    const { code, err } = await reflex(["list", "--all"], { env: api.env });
    expect(code).toBe(1);
    expect(err).toContain("run in a circle");
    expect(api.asked).toHaveLength(2);
  });

  it("answers 2 where the API calls the request wrong", async () => {
    api.answer = () => {
      throw new BadRequest("limit: give a whole number from 1 to 500.");
    };
    const { code, out, err } = await reflex(["list", "--limit", "many"], { env: api.env });
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toBe("reflex: limit: give a whole number from 1 to 500.\n");
  });

  it("shows hostile texts harmless, each in its own row and column", async () => {
    const hostile = aRecord({
      target: {
        kind: "pod",
        cluster: HOSTILE,
        namespace: HOSTILE,
        name: "界🙂e\u0301\u0301\u0301\u0301\u0301",
      },
      rule: { name: HOSTILE },
      state: HOSTILE,
      signal: { id: HOSTILE, severity: HOSTILE },
    });
    api.answer = () => ({ status: 200, json: { remediations: [hostile, aRecord()], next: null } });
    const table = await reflex(["list"], { env: api.env });
    expect(unsafeIn(table.out)).toEqual([]);
    expect(table.out.trimEnd().split("\n")).toHaveLength(3);
    const json = await reflex(["list", "--json"], { env: api.env });
    expect(unsafeIn(json.out)).toEqual([]);
    expect(json.json()).toEqual([hostile, aRecord()]);
  });
});

describe("reflex show", () => {
  const shown = {
    remediation: aRecord({
      state: "superseded",
      proof: "partial",
      remains: ["policy a still selects it", "policy b still selects it"],
      requestedBy: { who: "ada", id: "t/ada", why: "looks wrong" },
    }),
    plan: {
      steps: [
        {
          sentence: "create policy reflex-1",
          touches: ["policy/shop/reflex-1#spec"],
          before: null,
          after: {},
        },
        { sentence: "label pod web-1", touches: [], before: null, after: {} },
      ],
      impact: "The pod loses its network.",
      limits: ["host network is not covered"],
    },
    history: [
      {
        at: "2026-03-02T06:00:00.000Z",
        who: "reflex",
        what: "claimed",
        why: "rule",
        before: null,
        after: "pending",
      },
      {
        at: "2026-03-02T06:00:01.000Z",
        who: "ada",
        what: "applied",
        why: "",
        before: "pending",
        after: "applying",
      },
    ],
  };

  it("prints the record, the steps of the plan and the history", async () => {
    api.answer = () => ({ status: 200, json: shown });
    const { code, out } = await reflex(["show", "a826763190399990000abc"], { env: api.env });
    expect(code).toBe(0);
    expect(api.asked[0]?.path).toBe("/api/remediations/a826763190399990000abc");
    expect(out).toBe(
      `id              a826763190399990000abc
state           superseded (partial)
reason          isolated, and read back
remains         policy a still selects it
remains         policy b still selects it
playbook        isolate-pod (enforce)
target          pod shop/web-1 on prod
rule            miner-contain
signal          High: A web shell (alert K8S.NODE_Webshell)
signal id       2517_1
asked by        ada: looks wrong
created         2026-03-02T06:00:00.000Z
in force since  2026-03-02T06:00:04.000Z
ends            2026-03-02T14:00:00.000Z
updated         2026-03-02T06:00:05.000Z

Plan
  1. create policy reflex-1
     touches policy/shop/reflex-1#spec
  2. label pod web-1
  Impact: The pod loses its network.
  Not covered: host network is not covered

History
AT                        WHO     WHAT     STATE               WHY
2026-03-02T06:00:00.000Z  reflex  claimed  pending             rule
2026-03-02T06:00:01.000Z  ada     applied  pending → applying  -
`,
    );
  });

  it("prints the whole answer as one line with --json", async () => {
    api.answer = () => ({ status: 200, json: { ...shown, plan: null } });
    const { json } = await reflex(["show", "a826763190399990000abc", "--json"], { env: api.env });
    expect(json()).toEqual([{ ...shown, plan: null }]);
  });

  it("answers 1 where there is none of that id", async () => {
    api.answer = () => {
      throw new BadRequest("There is no remediation nosuch.", 404);
    };
    const { code, out, err } = await reflex(["show", "nosuch"], { env: api.env });
    expect({ code, out, err }).toEqual({
      code: 1,
      out: "",
      err: "reflex: There is no remediation nosuch.\n",
    });
  });

  it("shows hostile texts harmless, with no line of their own", async () => {
    const history = [
      { at: HOSTILE, who: HOSTILE, what: HOSTILE, why: HOSTILE, before: null, after: HOSTILE },
    ];
    const remediation = aRecord({
      reason: HOSTILE,
      signal: { id: HOSTILE, title: HOSTILE },
      remains: [HOSTILE],
    });
    const plan = { steps: [{ sentence: HOSTILE, touches: [HOSTILE] }], impact: HOSTILE, limits: [HOSTILE] };
    api.answer = () => ({ status: 200, json: { remediation, plan, history } });
    const { code, out } = await reflex(["show", "a826763190399990000abc"], { env: api.env });
    expect(code).toBe(0);
    expect(unsafeIn(out)).toEqual([]);
    expect(out.split("\n").filter((line) => line.startsWith("id  "))).toHaveLength(1);
  });
});
