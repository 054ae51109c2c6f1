import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Azurite, startAzurite } from "../../local/azurite/index.ts";
import type { Fault, KubernetesStandIn } from "../../local/kubernetes/index.ts";
import type { Remediation } from "../../src/model/remediation.ts";
import { CLUSTER_FAULTS } from "./cluster-faults.ts";
import { type FaultBench, type FaultBenchOptions, faultBench, NAME } from "./fault-bench.ts";
import { figure, noteFigure } from "./long.ts";
import { brokenTables } from "./table-faults.ts";
import { isLedBack, WAYS, type WayOfLife } from "./way-of-life.ts";

type Answer = Fault["answer"];

/** More often than anybody asks. */
const ALWAYS = 1_000_000;
/** Longer than every wait between tries together. */
const MOST_SWEEPS = 20;
const RESTING = ["in-force", "done", "failed", "superseded", "skipped", "refused", "expired"];
let azurite: Azurite;
let tables = 0;
let cases = 0;
const benches: FaultBench[] = [];

beforeAll(async () => {
  azurite = await startAzurite();
  // What is loaded with its first use is loaded here: else the first limit on a call would be used up by that.
  await story(await open());
  cases = 0;
}, 60_000);
afterEach(async () => {
  await Promise.all(benches.splice(0).map((b) => b.close()));
});
afterAll(async () => {
  noteFigure("Fault matrix", "cases, each in a legal state with the expected reason, nothing lost", cases);
  await azurite.stop();
});

async function open(options: Partial<FaultBenchOptions> = {}): Promise<FaultBench> {
  const b = await faultBench(azurite, `faults${tables++}`, {
    way: wayOf("isolate-pod"),
    mode: "enforce",
    ...options,
  });
  benches.push(b);
  cases += 1;
  return b;
}

function wayOf(playbook: string): WayOfLife {
  const way = WAYS.find((one) => one.playbook === playbook);
  if (way === undefined) throw new TypeError(`no way of life for ${playbook}`);
  return way;
}

/** Delivers the alert, says yes where a person is asked, and sweeps until everything rests; the one record that there must be. */
async function story(b: FaultBench, mostSweeps = MOST_SWEEPS): Promise<Remediation> {
  await b.deliver();
  let record = await onlyOne(b);
  for (let round = 0; round < mostSweeps && !RESTING.includes(record.state); round++) {
    const isAsked = record.state === "awaiting-approval" && record.approval === null;
    if (isAsked && record.rule.mode === "approve") await b.approve(record);
    if (record.state === b.way.nudge?.state) b.kubernetes.seed(b.way.nudge.objects(NAME));
    await b.sweepAfter(6);
    record = await onlyOne(b);
  }
  // Nothing comes after it.
  await b.sweepAfter(6);
  return onlyOne(b);
}

/** One for the alert; what could not be resolved at first has ended in favour of what was meant. */
async function onlyOne(b: FaultBench): Promise<Remediation> {
  const records = await b.records();
  const goesOn = ({ reason }: Remediation): boolean =>
    records.some(({ id }) => reason.includes(`at its real target as ${id}`));
  const [record, ...more] = records.filter((one) => !goesOn(one));
  if (record === undefined) throw new TypeError("nothing is on record");
  expect(more).toEqual([]);
  return record;
}

/** What stands in the cluster, without what changes by itself. */
function standing(kubernetes: KubernetesStandIn): string {
  const kinds = [
    "nodes",
    "pods",
    "statefulsets",
    "networkpolicies",
    "configmaps",
    "admissionlists",
    "clusterrolebindings",
    "serviceaccounts",
    "services",
    "mutatingwebhookconfigurations",
  ];
  const objects = kinds.flatMap((kind) => kubernetes.readAll(kind)).filter(({ kind }) => kind !== undefined);
  return JSON.stringify(
    objects.map(({ kind, metadata, spec, data }) => ({
      kind,
      name: metadata.name,
      labels: metadata.labels,
      // A list that holds nothing and one without any field are the same.
      spec: JSON.stringify(spec) === '{"entries":{}}' ? undefined : spec,
      data,
    })),
  );
}

interface Place {
  readonly method: string;
  readonly path: string;
  readonly of: "reading" | "writing" | "creating" | "ending";
  /** An earlier write has changed something by then that cannot be taken back. */
  readonly stays: boolean;
  /** Without it the containment stands in part, and says what it lacks. */
  readonly half: RegExp | null;
}
const OFTEN = ["once", "ever"] as const;
const HOLDS = { once: "holds", ever: "holds" } as const;
/** Without the full figures one playbook meets every fault, the others some. */
const EACH = figure(1, 6);
const CHANGING = WAYS.filter(({ writes }) => writes.length > 0);

it.each(WAYS)("the way of $playbook names each write that it makes to the cluster", async (way) => {
  const b = await open({ way, mode: "approve" });
  await story(b);
  // What is only tried is no write, and an Event only tells of one.
  const written = b.kubernetes.requests.filter(
    ({ method, path, query }) =>
      method !== "GET" && !query.includes("dryRun=All") && !path.includes("/events"),
  );
  const named = way.writes.map(
    ({ method, path }) => written.filter((one) => one.method === method && one.path.includes(path)).length,
  );
  expect(named.every((count) => count === 1)).toBe(true);
  expect(written).toHaveLength(way.writes.length);
});

describe.each(CHANGING)("the cluster at fault under $playbook", (way) => {
  const rests = isLedBack(way) ? "in-force" : "done";
  const places: Place[] = [
    {
      method: "GET",
      path: way.reads?.(NAME) ?? `/pods/${way.pod(NAME)}`,
      of: "reading",
      stays: false,
      half: null,
    },
    ...way.writes.map(
      ({ ends, follows = false, half = null, ...write }): Place => ({
        ...write,
        stays: follows,
        half,
        of: ends === true ? "ending" : write.method === "POST" ? "creating" : "writing",
      }),
    ),
  ];
  const rows = places.flatMap(({ of, stays, half, ...match }) =>
    Object.entries(CLUSTER_FAULTS).flatMap(([fault, { answer, ...ends }]) => {
      const isNeedless = of === "reading" && fault === "404" && !way.needsPod;
      const led = isNeedless ? HOLDS : (ends[of] ?? (of === "reading" ? null : ends.writing));
      const place = `${match.method} ${match.path}`;
      return led === null
        ? []
        : OFTEN.map((often) => ({ match, fault, answer, often, ends: led[often], place, stays, half }));
    }),
  );

  const led = rows.filter((_row, at) => way.playbook === "isolate-pod" || at % EACH === 0);
  it.each(led)("$place, $often: $fault", async ({ match, answer, often, ends, stays, half }) => {
    const b = await open({ way, mode: "approve" });
    const before = standing(b.kubernetes);
    b.kubernetes.faults.add({ match, times: often === "once" ? 1 : ALWAYS, answer });
    const record = await story(b);
    if (ends === "holds") {
      expect(record).toMatchObject({ state: rests, touched: true });
      expect(["proved", "declared"]).toContain(record.proof);
      expect(standing(b.kubernetes)).not.toBe(before);
    } else if (half !== null) {
      expect(record).toMatchObject({ state: "in-force", proof: "partial", touched: true });
      expect(record.remains.join(" ")).toMatch(half);
    } else {
      // Nothing is called in force, or done, that is not there, and nothing is left behind.
      expect(["in-force", "done"]).not.toContain(record.state);
      expect(RESTING).toContain(record.state);
      expect(record.reason).toMatch(ends);
      // But for what an earlier write of it did for good.
      if (!stays) expect(standing(b.kubernetes)).toBe(before);
    }
    if (often === "once") expect(b.kubernetes.faults.pending).toBe(0);
  });
});

describe("Defender at fault while the alert is read back", () => {
  const ARM: Readonly<Record<string, { readonly answer: Answer; readonly words: RegExp }>> = {
    "401": { answer: { kind: "status", status: 401 }, words: /401/ },
    "403": { answer: { kind: "status", status: 403 }, words: /403/ },
    "404": { answer: { kind: "status", status: 404 }, words: /404|does not know/ },
    "409": { answer: { kind: "status", status: 409 }, words: /409/ },
    "422": { answer: { kind: "status", status: 422 }, words: /422/ },
    "429": {
      answer: { kind: "status", status: 429, headers: { "retry-after": "5" } },
      words: /429|throttl/i,
    },
    "500": { answer: { kind: "status", status: 500 }, words: /500/ },
    hung: { answer: { kind: "hang" }, words: /did not answer|longer than|no answer/i },
    truncated: { answer: { kind: "truncated" }, words: /answer/ },
    "HTML with 200": { answer: { kind: "html" }, words: /not|answer/ },
    "its answer lost": { answer: { kind: "lost-answer" }, words: /answer/ },
  };

  it.each(Object.entries(ARM))(
    "a person decides, and nothing is written: %s",
    async (name, { answer, words }) => {
      const b = await open();
      b.arm.faults.add({ match: { path: "/alerts/" }, times: ALWAYS, answer });
      const record = await story(b, 4);
      expect(record).toMatchObject({
        state: "awaiting-approval",
        touched: false,
        reason: expect.stringMatching(words),
      });
      expect(b.kubernetes.requests.filter(({ method }) => method !== "GET")).toEqual([]);
      // Who is refused is not asked again with another token or another credential.
      if (["401", "403"].includes(name)) expect(b.arm.tokens).toBe(1);
      expect(b.arm.requests.length).toBeGreaterThan(0);
    },
  );

  it("acts where Defender is only slow", async () => {
    const b = await open();
    b.arm.faults.add({ match: { path: "/alerts/" }, times: 1, answer: { kind: "delay", milliseconds: 200 } });
    expect(await story(b, 1)).toMatchObject({ state: "in-force" });
  });

  it("a person decides where no token is to be had", async () => {
    const b = await open();
    b.arm.faults.add({
      match: { path: "/msi/token" },
      times: ALWAYS,
      answer: { kind: "status", status: 500 },
    });
    expect(await story(b, 2)).toMatchObject({ state: "awaiting-approval", touched: false });
    expect(b.kubernetes.requests.filter(({ method }) => method !== "GET")).toEqual([]);
  });
});

describe("the store at fault", () => {
  it.each(Object.entries(brokenTables))("nothing is lost or done twice: %s", async (_name, broken) => {
    const { policy, struck } = broken();
    const b = await open({ policy });
    const record = await story(b);
    expect(struck()).toBeGreaterThan(0);
    expect(record).toMatchObject({ state: "in-force", proof: "declared" });
    const effects = b.kubernetes.effects.map(({ verb, plural }) => `${verb} ${plural}`);
    expect(effects.toSorted()).toEqual(["create networkpolicies", "patch pods"]);
  });
});

describe("a channel at fault", () => {
  /** Held up by nothing, the remediation is in force; later the message arrives after all. */
  async function comesLater(b: FaultBench, messages: readonly unknown[]): Promise<void> {
    await b.deliver();
    expect(await b.records()).toMatchObject([{ state: "in-force" }]);
    expect(messages).toHaveLength(0);
    for (let hour = 0; hour < 5; hour++) await b.sweepAfter(61);
    expect(messages.length).toBeGreaterThan(0);
  }

  it.each([
    { kind: "status", status: 401, times: 2 },
    { kind: "status", status: 429, times: 2, retryAfterSeconds: 5 },
    { kind: "status", status: 500, times: 3 },
    { kind: "hang", times: 1 },
    { kind: "redirect", location: "http://127.0.0.1:9/elsewhere", times: 2 },
  ] as const)("holds nothing up, and its message comes later: Teams, $kind $status", async (fault) => {
    const b = await open();
    b.teams.inject(fault);
    await comesLater(b, b.teams.messages);
  });

  it.each([
    { kind: "refuse", times: 2 },
    { kind: "hang", at: "greeting", times: 1 },
    { kind: "close", at: "greeting", times: 2 },
  ] as const)("holds nothing up, and its message comes later: mail, $kind", async (fault) => {
    const b = await open();
    b.mail.inject(fault);
    await comesLater(b, b.mail.messages);
  });
});

describe("clocks that are a minute apart", () => {
  it.each([-60_000, 60_000])("change nothing in what becomes of an alert (%i ms)", async (skew) => {
    const b = await open();
    b.pass(skew);
    await b.deliver();
    b.pass(-skew);
    for (let round = 0; round < 3; round++) await b.sweepAfter(2);
    expect(await b.records()).toMatchObject([{ state: "in-force" }]);
    expect(b.kubernetes.effects).toHaveLength(2);
  });
});
