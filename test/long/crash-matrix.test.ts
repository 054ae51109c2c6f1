import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { STEPS } from "../../src/engine/drive.ts";
import { LEASE_MS, WORK_MS } from "../../src/engine/engine.ts";
import { playbooks } from "../../src/playbooks/index.ts";
import { CLUSTER } from "../engine/world.ts";
import { blockListObjects, podRuleObjects, sessionListObjects } from "../playbooks/cluster-objects.ts";
import { holdListObjects } from "../playbooks/workload-objects.ts";
import { KillableApp } from "../scenarios/killed-app.ts";
import { createRandom } from "../store/schedule-choices.ts";
import { figure, LONG, noteFigure, SEED } from "./long.ts";
import { type Life, type Lived, MatrixRun, type Phase } from "./matrix-run.ts";
import { isLedBack, WAYS, type WayOfLife } from "./way-of-life.ts";

/** After every step and every write, and right before it, where what is lost has not been done yet. */
const TIMES: Readonly<Record<Phase, number>> = { after: figure(20, 1), before: figure(5, 1) };
const RANDOM_MOMENTS = figure(200, 4);
/** Without the full figures a few places are died at, spread over all, and other ones with another seed. */
const PLACES = figure(Number.POSITIVE_INFINITY, 40);
const TOGETHER = figure(40, 8);
const SWEEP_MS = 30_000;
/**
 * A death and a waking take wall time, which the app's clock counts sixty times, and on a busy machine more of it: nine of
 * ten are on in a lease, a sweep and its work, and nobody is later than half an hour, which is half a minute of ours.
 */
const IN_TIME = figure(0.9, 0.5);
const LATEST_MS = 1_800_000;

const rule = (way: WayOfLife): string => `
  - name: ${way.playbook}
    when: { kind: alert, key: "${way.key}" }
    playbooks: [ { name: ${way.playbook}${isLedBack(way) ? ", ttl: 30d" : ""} } ]
    mode: approve
    cooldown: 0s`;

const CONFIGURATION = `
mode: enforce
breaker: { after: 100, within: 1m }
clusters:
  - { name: prod, id: ${CLUSTER}, connect: { kubeconfig: kubeconfig.json } }
rules:${WAYS.map(rule).join("")}
`;

/**
 * The full matrix gives each playbook a store and a cluster of its own: on one for all, what hundreds of lives leave
 * behind makes each further one slower than the one before, and nothing is learnt from it.
 */
const PARTS: readonly (readonly [string, readonly WayOfLife[]])[] = LONG
  ? WAYS.map((way) => [way.playbook, [way]])
  : [["every playbook", WAYS]];

describe("the ways of the crash matrix", () => {
  it("are one for every playbook of the product", () => {
    expect(WAYS.map(({ playbook }) => playbook).toSorted()).toEqual(
      playbooks.map(({ name }) => name).toSorted(),
    );
    // Else one alert would begin two of them.
    expect(new Set(WAYS.map(({ key }) => key)).size).toBe(WAYS.length);
  });
});

describe.each(PARTS)("the process killed after every step of %s", (name, ways) => {
  const started = startRun();

  it(
    "loses nothing, does nothing twice, and goes on within a lease and a sweep",
    async () => {
      const { app, run } = started();
      const places: Place[] = [];
      for (const way of ways) {
        const [lived, ...others] = await wholeLives(run, way);
        const passed = new Set(lived.points.flatMap(({ states }) => states));
        const missed = Object.keys(STEPS).filter((step) => !passed.has(step));
        expect(missed.toSorted(), way.playbook).toEqual(Object.keys(way.never).toSorted());
        places.push(
          ...livesOf(way, lived).filter(({ kill }) => others.every((one) => passes(one, kill.point))),
        );
      }
      const lives = someOf(places);
      const counts = new Map(lives.map((life) => [pointOf(life), 0]));
      const missing = (life: Place): number =>
        Math.max(0, TIMES[life.kill.phase] - (counts.get(pointOf(life)) ?? 0));
      const recovered: number[] = [];
      for (let attempt = 0; attempt < 4; attempt++) {
        const left = lives.flatMap((life, place) =>
          Array.from({ length: missing(life) }, (_none, time) => ({
            ...life,
            name: `x${attempt}-${place}-${time}-x`,
          })),
        );
        await together(left, async (life) => {
          const lived = await run.lead(life);
          if (!lived.killed) return;
          counts.set(pointOf(life), (counts.get(pointOf(life)) ?? 0) + 1);
          if (lived.recoveredMs !== null && !Number.isNaN(lived.recoveredMs))
            recovered.push(lived.recoveredMs);
        });
      }
      expect(lives.filter((life) => missing(life) > 0)).toEqual([]);
      // Of a playbook whose lives would meet each other none is killed.
      if (lives.length > 0) {
        expect(recovered.length).toBeGreaterThan(lives.length / 4);
        expect(shareInTime(recovered)).toBeGreaterThanOrEqual(IN_TIME);
        expect(Math.max(...recovered)).toBeLessThanOrEqual(LATEST_MS);
      }
      judge(app, run);
      note(name, {
        "places to die (step or write), deaths after and before each": `${lives.length / 2}, ${TIMES.after}, ${TIMES.before}`,
        ...(lives.length > 0 && {
          "share that went on within a lease, a sweep and its work; the longest, in seconds of the app": `${shareInTime(recovered).toFixed(3)}, ${Math.round(Math.max(...recovered) / 1000)}`,
        }),
      });
    },
    figure(3_600_000, 900_000),
  );
});

describe("the process killed at random moments", () => {
  const started = startRun();

  it(
    "loses nothing and does nothing twice either",
    async () => {
      const { app, run } = started();
      const random = createRandom(SEED);
      const before = run.kills;
      const isolate = WAYS.filter(
        ({ never, alone }) => never["awaiting-approval"] === undefined && alone === undefined,
      );
      let live = true;
      const killer = (async () => {
        for (let moment = 0; moment < RANDOM_MOMENTS; moment++) {
          await delay(100 + random() * 900);
          await run.killNow();
          await run.up();
        }
        live = false;
      })();
      const lives: Life[] = [];
      for (let round = 0; live; round++) {
        const some = isolate.map((way, place) => ({ way, name: `y${round}-${place}-y`, kill: null }));
        lives.push(...some);
        await together(some, async (life) => void (await run.lead(life)));
      }
      await killer;
      expect(run.kills - before).toBeGreaterThanOrEqual(RANDOM_MOMENTS);
      judge(app, run);
      note("random moments", { "deaths, lives led through them": `${RANDOM_MOMENTS}, ${lives.length}` });
    },
    figure(3_600_000, 240_000),
  );
});

/** The figures of one part, after its judgement. */
function note(part: string, figures: Readonly<Record<string, string>>): void {
  const all = { ...figures, "lost, changes without a record, second effects": "0, 0, 0" };
  for (const [what, value] of Object.entries(all)) noteFigure(`Crash matrix, ${part}`, what, value);
}

/** An app, the sweeps that a timer would make, and a run upon it: for the tests of one part. */
function startRun(): () => { readonly app: KillableApp; readonly run: MatrixRun } {
  let started: { readonly app: KillableApp; readonly run: MatrixRun } | null = null;
  let sweeping = true;
  let sweeps: Promise<void>;
  beforeAll(async () => {
    const app = await KillableApp.start(CONFIGURATION, { speed: 60, controllers: false });
    app.kubernetes.seed([
      ...blockListObjects(),
      ...podRuleObjects(),
      ...holdListObjects(),
      ...sessionListObjects(),
    ]);
    const run = new MatrixRun(app);
    started = { app, run };
    sweeps = (async () => {
      while (sweeping) {
        await delay(150);
        await run.up();
        // Whoever is killed in it has done his part.
        await app.sweep().catch(() => {});
      }
    })();
  }, 120_000);
  afterAll(async () => {
    sweeping = false;
    await sweeps;
    await started?.app.stop();
  });
  return () => {
    if (started === null) throw new Error("the app of this part has not started");
    return started;
  };
}

function shareInTime(recovered: readonly number[]): number {
  const limit = LEASE_MS + SWEEP_MS + WORK_MS;
  return recovered.filter((ms) => ms <= limit).length / recovered.length;
}

/** Lives that nobody ends: what a slow machine makes of one of them, such as another try, is no place to die. */
async function wholeLives(run: MatrixRun, way: WayOfLife): Promise<readonly [Lived, ...Lived[]]> {
  const lead = (name: string): Promise<Lived> => run.lead({ way, name: `${name}-whole`, kill: null });
  if (way.alone !== undefined) return [await lead(way.playbook)];
  return Promise.all([lead(way.playbook), lead(`${way.playbook}-2`), lead(`${way.playbook}-3`)]);
}

function passes({ points }: Lived, point: string): boolean {
  return points.some(({ name }) => name === point);
}

/** Where a life dies, and how far it is led. */
type Place = Omit<Life, "name" | "kill"> & { readonly kill: NonNullable<Life["kill"]> };

function livesOf(way: WayOfLife, { points, first }: Lived): Place[] {
  // Whose lives would meet each other is led once, and not killed.
  if (way.alone !== undefined) return [];
  const names = points.map(({ name }) => name);
  return [...new Set(names)].flatMap((point) =>
    (["after", "before"] as const).map((phase) => ({
      way,
      kill: { point, phase },
      isShort: names.indexOf(point) < first,
    })),
  );
}

/** As many as are asked for, each so far from the next, from a place that the seed tells. */
function someOf<T>(all: readonly T[]): readonly T[] {
  if (all.length <= PLACES) return all;
  const step = all.length / PLACES;
  const from = createRandom(SEED)() * step;
  return Array.from({ length: PLACES }, (_none, at) => all[Math.floor(from + at * step) % all.length]).filter(
    (one) => one !== undefined,
  );
}

function pointOf({ way, kill }: Place): string {
  return `${way.playbook} ${kill.phase} ${kill.point}`;
}

/** Some at a time: they die, and wait for each other's deaths, together. */
async function together<T>(all: readonly T[], act: (one: T) => Promise<void>): Promise<void> {
  const left = [...all];
  await Promise.all(
    Array.from({ length: TOGETHER }, async () => {
      for (let one = left.shift(); one !== undefined; one = left.shift()) await act(one);
    }),
  );
}

/** Every change in the cluster belongs to a record, and no life changed more than the undisturbed one. */
function judge(app: KillableApp, run: MatrixRun): void {
  const perLife = new Map<string, string[]>();
  const without: string[] = [];
  for (const effect of app.kubernetes.effects) {
    const text = JSON.stringify(effect);
    const name = /[a-z0-9-]+-whole|x\d+-\d+-\d+-x|y\d+-\d+-y/.exec(text)?.[0];
    const id = /[0-9a-f]\d{13}[0-9a-f]{8}/.exec(text)?.[0];
    const life = name ?? (id === undefined ? undefined : run.lifeOf(id));
    if (life === undefined) without.push(text.slice(0, 300));
    else
      perLife.set(life, [
        ...(perLife.get(life) ?? []),
        `${effect.verb} ${effect.plural}/${effect.subresource}`,
      ]);
  }
  expect(without).toEqual([]);
  const twice = [...perLife].filter(([, effects]) => {
    const counts = Map.groupBy(effects, (one) => one);
    // Once there and once back: a label set and removed, an entry added and taken out.
    return (
      [...counts.values()].some((same) => same.length > 2) ||
      (counts.get("create networkpolicies/")?.length ?? 0) > 1
    );
  });
  expect(twice).toEqual([]);
}
