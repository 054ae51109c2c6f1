import { describe, expect, it } from "vitest";
import { runManually } from "../../src/engine/manual-run.ts";
import { registerDecisions } from "../../src/functions/decisions.ts";
import { registerHealth } from "../../src/functions/health.ts";
import { registerRemediations } from "../../src/functions/remediations.ts";
import { registerReport } from "../../src/functions/report.ts";
import { asking, HOUR } from "../engine/deciding.ts";
import { alert, type Bench, bench, configuration, notice } from "../engine/harness.ts";
import { labelling, quarantine } from "../engine/quarantine.ts";
import { CLUSTER } from "../engine/world.ts";
import { appInProcess } from "./app-in-process.ts";
import { type Machine, type Ran, reflex } from "./terminal.ts";

const STAGE = CLUSTER.replace("/prod", "/stage");
const WHY = ["--reason", "a wrong rule"];
const MINERS = ["--rule", "miners", "--since", "1d"];
const TWO_CLUSTERS = configuration("enforce", (text) =>
  text.replace("channels:", `  - { name: stage, id: ${STAGE}, connect: { kubeconfig: none } }\nchannels:`),
);
const tag = labelling("tag", "tag");
const both = (text: string): string => text.replace("8h }", "8h }, { name: tag, ttl: 8h }");
const TWO_PLAYBOOKS = {
  configuration: configuration("enforce", both, [tag]),
  engine: { playbooks: new Map([quarantine, notice, tag].map((one) => [one.name, one])) },
};

/** A terminal on this bench, and the questions that its person was asked; nobody sits there without an answer. */
function terminal(b: Bench) {
  const questions: string[] = [];
  const app = appInProcess(b.engine, (api) => {
    for (const register of [registerDecisions, registerRemediations, registerHealth, registerReport])
      register(api);
  });
  const run = (argv: readonly string[], answer?: string, more: Machine = {}): Promise<Ran> => {
    const ask = (question: string): string => {
      questions.push(question);
      return answer ?? "";
    };
    const machine = { ...app, now: b.clock.now().toISOString(), ...(answer === undefined ? {} : { ask }) };
    return reflex(["revert", ...argv, ...WHY], { ...machine, ...more });
  };
  return { app, questions, run };
}

const names = (count: number): string[] => Array.from({ length: count }, (_none, at) => `pod-${at + 1}`);

/** An alert about each of these pods, which are new. */
async function contain(b: Bench, ...pods: readonly string[]): Promise<void> {
  for (const pod of pods) b.world.addPod(pod);
  const at = b.clock.now().toISOString();
  await b.ingest(...pods.map((pod) => alert({ id: `a-${pod}`, pod, at })));
}

/** A bench on which the rule holds so many pods. */
async function holding(count: number): Promise<Bench> {
  const b = bench();
  await contain(b, ...names(count));
  return b;
}

/** The label of each pod, where it has one. */
function labels(b: Bench, label = "quarantine"): Record<string, string> {
  return Object.fromEntries(
    [...b.world.pods.values()].flatMap(({ name, labels: { [label]: value } }) =>
      value === undefined ? [] : [[name, value]],
    ),
  );
}

/** Everything that a command could have changed. */
function state(b: Bench): object {
  return structuredClone({ rows: b.table.snapshot(), pods: [...b.world.pods], effects: b.world.effects });
}

describe("taking back fifty of one rule", () => {
  const FOREIGN = ["pod-7", "pod-23", "pod-50"];
  const foreign = Object.fromEntries(FOREIGN.map((name) => [name, `by-hand-${name}`]));

  /** Fifty in force, and somebody else has since changed the label of three. */
  async function fifty(): Promise<Bench> {
    const b = await holding(50);
    for (const [name, quarantined] of Object.entries(foreign)) {
      b.world.change(name, { labels: { ...b.world.labelsOf(name), quarantine: quarantined } });
    }
    return b;
  }

  it("shows all of them first, and changes nothing on a no", async () => {
    const b = await fifty();
    const { run, questions } = terminal(b);
    const before = state(b);
    const { code, out, err } = await run(MINERS, "no");
    expect({ code, out }).toEqual({ code: 1, out: "" });
    const [head, ...lines] = err.trimEnd().split("\n");
    expect(lines.pop()).toBe("reflex: nothing was taken back.");
    expect(questions).toEqual(["Take back 50 remediations? [y/N] "]);
    const ask = (): never => {
      throw new Error("the terminal was closed");
    };
    // What was there when it asked.
    expect(await run(MINERS, "", { ask })).toMatchObject({ code: 1, out: "" });
    expect(head).toMatch(/^ID +AGE +STATE +PLAYBOOK +TARGET +RULE$/);
    expect(lines).toHaveLength(50);
    for (const { id } of b.records()) {
      expect(lines).toContainEqual(expect.stringMatching(`^${id} +0s +in-force +quarantine +pod shop/pod-`));
    }
    expect(state(b)).toEqual(before);
  });

  it("restores 47, says of three why not and what remains, and again does nothing twice", async () => {
    const b = await fifty();
    const { run } = terminal(b);
    const { code, out, err } = await run(MINERS, "y");
    expect(code).toBe(1);
    // The list goes where the question goes.
    expect(err.trimEnd().split("\n")).toHaveLength(51);
    expect(out).toMatch(/\n47 restored, 3 refused\.\n$/);
    expect(out.match(/^restored {2}\w{22} {2}quarantine for pod shop\/pod-\d+ on prod$/gm)).toHaveLength(47);
    for (const { id, target } of b.records()) {
      const name = "name" in target ? target.name : "";
      const what = `${id}  quarantine for pod shop/${name} on prod`;
      const refused = `: the label was changed. Look who did it. Remains: quarantine=by-hand-${name}.`;
      const line = FOREIGN.includes(name) ? `refused  ${what}${refused}` : `restored  ${what}`;
      expect(out.split("\n")).toContain(line);
    }
    expect(labels(b)).toEqual(foreign);
    expect(b.world.effects).toHaveLength(50 + 47);
    expect(b.broken()).toEqual([]);
    const again = await run(MINERS, "y");
    expect(again.code).toBe(1);
    expect(again.out).not.toContain("restored  ");
    expect(again.out.match(/^refused {2}.*: the label was changed\..* Remains: /gm)).toHaveLength(3);
    expect(again.out).toMatch(/\n0 restored, 3 refused\.\n$/);
    expect(labels(b)).toEqual(foreign);
    expect(b.world.effects).toHaveLength(50 + 47);
    expect(b.records().filter((one) => one.state === "reverted")).toHaveLength(47);

    // Their owners take them away: only then nothing of it is left.
    for (const name of FOREIGN) b.world.change(name, { labels: { app: "web" } });
    expect(await run(MINERS, "y")).toMatchObject({ code: 0, out: expect.stringContaining("3 restored, 0") });
    expect(await run(MINERS, "y")).toMatchObject({ code: 0, out: "There is nothing to take back.\n" });
    expect(b.world.effects).toHaveLength(50 + 47);
  });
});

describe("reflex revert of many", () => {
  it("only shows the list with --dry-run, and asks nobody", async () => {
    const b = await holding(2);
    const { run, questions } = terminal(b);
    const before = state(b);
    const { out, ...ran } = await run([...MINERS, "--dry-run"], "y");
    expect(ran).toMatchObject({ code: 0, err: "" });
    expect(out.trimEnd().split("\n")).toHaveLength(3);
    const { code, json } = await run([...MINERS, "--dry-run", "--json"]);
    expect(code).toBe(0);
    const ids = b.records().map(({ id }) => id);
    expect(json().map((one) => Reflect.get(Object(one), "id"))).toEqual(expect.arrayContaining(ids));
    expect(json()).toHaveLength(ids.length);
    expect(questions).toEqual([]);
    expect(state(b)).toEqual(before);
  });

  it("asks nobody with --yes, and is wrong use where nobody can be asked", async () => {
    const b = await holding(2);
    const { run, questions } = terminal(b);
    const before = state(b);
    expect(await run(MINERS)).toMatchObject({
      code: 2,
      out: "",
      err: "reflex: nobody is asked without a terminal; add --yes to take them back, or --dry-run to see them.\n",
    });
    expect(state(b)).toEqual(before);
    const { code, out } = await run([...MINERS, "--yes"], "no");
    expect({ code, questions }).toEqual({ code: 0, questions: [] });
    expect(out).toMatch(/\n2 restored, 0 refused\.\n$/);
    expect(labels(b)).toEqual({});
  });

  it("gives one line for each and a sum with --json", async () => {
    const b = await holding(3);
    b.world.change("pod-2", { labels: { quarantine: "mine" } });
    const { code, json, err } = await terminal(b).run([...MINERS, "--json", "--yes"]);
    expect({ code, err }).toEqual({ code: 1, err: "" });
    const restored = { outcome: "restored", state: "reverted", reason: null };
    const reason = "the label was changed. Look who did it. Remains: quarantine=mine.";
    const wanted = b.records().map(({ id, target }) => {
      const isForeign = "name" in target && target.name === "pod-2";
      return { id, ...(isForeign ? { outcome: "refused", state: "superseded", reason } : restored) };
    });
    expect(json().slice(0, -1)).toEqual(expect.arrayContaining(wanted));
    expect(json()).toHaveLength(4);
    expect(json().at(-1)).toEqual({ restored: 2, rejected: 0, refused: 1 });
  });

  it("says that there is nothing to take back, asks nobody, and ends well", async () => {
    const b = await holding(1);
    const { run, questions } = terminal(b);
    const argv = ["--rule", "notices", "--since", "1d"];
    expect(await run(argv, "y")).toMatchObject({ code: 0, out: "There is nothing to take back.\n", err: "" });
    expect(questions).toEqual([]);
    expect(b.world.effects).toHaveLength(1);
  });

  it("says no to what still waits for a person", async () => {
    const b = await asking();
    expect(await terminal(b).run(MINERS, "y")).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^rejected .*\n0 restored, 1 rejected, 0 refused\.\n$/s),
    });
    expect(b.records()).toMatchObject([{ state: "rejected", touched: false, revertedBy: { who: "ann" } }]);
    expect(b.world.effects).toEqual([]);
  });

  it.each(["2h", "2026-03-02T09:00:00Z"])("leaves out what is older than --since %s", async (since) => {
    const b = await holding(1);
    b.clock.pass(HOUR);
    await contain(b, "just-in");
    b.clock.pass(2 * HOUR);
    const { code, out } = await terminal(b).run(["--rule", "miners", "--since", since, "--yes"]);
    expect(code).toBe(0);
    expect(out.match(/^restored .*/gm)).toEqual([expect.stringContaining("pod shop/just-in on prod")]);
    expect(Object.keys(labels(b))).toEqual(["pod-1"]);
  });

  /** One pod held in each of two clusters. */
  async function twoClusters(): Promise<Bench> {
    const b = bench({ configuration: TWO_CLUSTERS });
    await contain(b, "in-prod");
    b.world.addPod("in-stage");
    await runManually(b.engine, {
      ...{ playbook: "quarantine", parameters: {}, mode: "enforce", ttlMs: HOUR, notify: [] },
      ...{ by: { who: "ann", id: "t/ann", why: "a drill" }, idempotencyKey: "k-1" },
      target: { kind: "pod", cluster: STAGE, namespace: "shop", name: "in-stage" },
    });
    expect(Object.keys(labels(b))).toEqual(["in-prod", "in-stage"]);
    return b;
  }

  const given = ["stage", STAGE, STAGE.toUpperCase()];
  it.each(given)("takes back what is in one cluster, given by name or ARM id: %s", async (cluster) => {
    const b = await twoClusters();
    const { run } = terminal(b);
    const chosen = ["--cluster", cluster, "--since", "1d", "--yes"];
    // All that is given must hold.
    const nothing = await run(["--rule", "miners", ...chosen]);
    expect(nothing).toMatchObject({ code: 0, out: "There is nothing to take back.\n" });
    expect(await run(chosen)).toMatchObject({ code: 0, out: expect.stringContaining("\n1 restored, 0 ") });
    expect(Object.keys(labels(b))).toEqual(["in-prod"]);
  });

  it.each([
    [["--rule", "minors"], /There is no rule "minors"\. There are miners, notices\./],
    [["--playbook", "quarantin"], /there is no playbook quarantin; use one of quarantine, notice/],
    [["--cluster", `${CLUSTER}-x`], /prod-x, and the app's configuration does not name it/],
  ])("takes no slip of the pen for nothing to take back: %j", async (chosen, words) => {
    const b = await holding(1);
    const { code, out, err } = await terminal(b).run([...chosen, "--since", "1d", "--yes"]);
    expect(code).not.toBe(0);
    expect({ out, err }).toEqual({ out: "", err: expect.stringMatching(words) });
    expect(b.world.effects).toHaveLength(1);
  });

  it("names the clusters there are where there is none of that name", async () => {
    const b = await twoClusters();
    expect(await terminal(b).run(["--cluster", "prd", "--since", "1d", "--yes"])).toMatchObject({
      code: 2,
      out: "",
      err: "reflex: there is no cluster prd in the app's configuration; use one of prod, stage, or an ARM id.\n",
    });
    expect(Object.keys(labels(b))).toEqual(["in-prod", "in-stage"]);
  });

  it("takes back what one playbook did, or all of one pod without getting in its own way", async () => {
    const b = bench(TWO_PLAYBOOKS);
    await contain(b, ...names(3));
    expect(b.world.effects).toHaveLength(6);
    const one = await terminal(b).run(["--playbook", "tag", "--since", "1d"], "y");
    expect(one).toMatchObject({ code: 0, out: expect.stringContaining("\n3 restored, 0 refused.") });
    expect([labels(b, "tag"), Object.keys(labels(b))]).toEqual([{}, names(3)]);
    const other = bench(TWO_PLAYBOOKS);
    await contain(other, ...names(3));
    const waits: number[] = [];
    const all = await terminal(other).run(MINERS, "y", { waited: (ms) => waits.push(ms) });
    expect(all).toMatchObject({ code: 0, out: expect.stringContaining("\n6 restored, 0 refused.") });
    expect([labels(other), labels(other, "tag"), waits]).toEqual([{}, {}, []]);
    expect(other.broken()).toEqual([]);
  });

  it("reads every page, and comes back to what is not possible just now", async () => {
    const b = await holding(5);
    const { app, run } = terminal(b);
    let busy = 2;
    const waits: number[] = [];
    const fetch: typeof globalThis.fetch = async (input, init) => {
      if (init?.method === "POST" && busy-- > 0) {
        const json = { detail: "it is being worked on", advice: "Ask again in a moment." };
        return Response.json(json, { status: 503, headers: { "retry-after": "5" } });
      }
      return app.fetch(String(input).replace("limit=200", "limit=2"), init);
    };
    const machine = { fetch, waited: (ms: number) => waits.push(ms) };
    const { code, out } = await run([...MINERS, "--yes"], undefined, machine);
    expect({ code, waits }).toEqual({ code: 0, waits: [5_000, 5_000] });
    expect(out).toMatch(/\n5 restored, 0 refused\.\n$/);
    expect(labels(b)).toEqual({});
  });

  it("is nothing for who may only read: each is refused with the role it wants", async () => {
    const b = await holding(2);
    const { app, run } = terminal(b);
    app.as("Reflex.Read");
    const { code, out } = await run([...MINERS, "--yes"]);
    expect(code).toBe(1);
    expect(out.match(/^refused .*: This needs the role Reflex\.Run, /gm)).toHaveLength(2);
    expect([Object.keys(labels(b)), b.world.effects.length]).toEqual([names(2), 2]);
    app.as("Reflex.Read", "Reflex.Run");
    expect((await run([...MINERS, "--yes"])).code).toBe(0);
    expect(labels(b)).toEqual({});
  });
});
