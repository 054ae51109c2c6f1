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
import { figure, noteFigure, SEED } from "./long.ts";
import { type Life, type Lived, MatrixRun, type Phase } from "./matrix-run.ts";
import { isLedBack, WAYS, type WayOfLife } from "./way-of-life.ts";

const TIMES = figure(20, 1);
const RANDOM_MOMENTS = figure(200, 4);
/** Without the full figures a few places are died at, spread over all, and other ones with another seed. */
const PLACES = figure(Number.POSITIVE_INFINITY, 40);
const TOGETHER = 8;
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

describe("the process killed after every step of every playbook", () => {
  let app: KillableApp;
  let run: MatrixRun;
  let sweeping = true;
  let sweeps: Promise<void>;

  beforeAll(async () => {
    app = await KillableApp.start(CONFIGURATION, { speed: 60, controllers: false });
    app.kubernetes.seed([
      ...blockListObjects(),
      ...podRuleObjects(),
      ...holdListObjects(),
      ...sessionListObjects(),
    ]);
    run = new MatrixRun(app);
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
    await app.stop();
  });

  it("has a way of life for every playbook of the product", () => {
    expect(WAYS.map(({ playbook }) => playbook).toSorted()).toEqual(
      playbooks.map(({ name }) => name).toSorted(),
    );
    // Else one alert would begin two of them.
    expect(new Set(WAYS.map(({ key }) => key)).size).toBe(WAYS.length);
  });

  it(
    "loses nothing, does nothing twice, and goes on within a lease and a sweep",
    async () => {
      const whole = new Map<string, Lived>();
      for (const way of WAYS) {
        const lived = await run.lead({ way, name: `${way.playbook}-whole`, kill: null });
        const passed = new Set(lived.points.flatMap(({ states }) => states));
        const missed = Object.keys(STEPS).filter((step) => !passed.has(step));
        expect(missed.toSorted(), way.playbook).toEqual(Object.keys(way.never).toSorted());
        whole.set(way.playbook, lived);
      }
      const lives = someOf(WAYS.flatMap((way) => livesOf(way, whole.get(way.playbook))));
      const counts = new Map(lives.map((life) => [pointOf(life), 0]));
      const slow: number[] = [];
      for (let attempt = 0; attempt < 4; attempt++) {
        const left = lives.flatMap((life, place) =>
          Array.from({ length: Math.max(0, TIMES - (counts.get(pointOf(life)) ?? 0)) }, (_none, time) => ({
            ...life,
            name: `x${attempt}-${place}-${time}-x`,
          })),
        );
        await eight(left, async (life) => {
          const lived = await run.lead(life);
          if (!lived.killed) return;
          counts.set(pointOf(life), (counts.get(pointOf(life)) ?? 0) + 1);
          if (lived.recoveredMs !== null && !Number.isNaN(lived.recoveredMs)) slow.push(lived.recoveredMs);
        });
      }
      const short = [...counts].filter(([, hits]) => hits < TIMES);
      const limit = LEASE_MS + SWEEP_MS + WORK_MS;
      const inTime = slow.filter((ms) => ms <= limit).length / slow.length;
      noteFigure(
        "Crash matrix",
        "places to die (step or write, before and after), times each",
        `${lives.length}, ${TIMES}`,
      );
      noteFigure(
        "Crash matrix",
        "share that went on within a lease, a sweep and its work; the longest, in seconds of the app",
        `${inTime.toFixed(3)}, ${Math.round(Math.max(...slow) / 1000)}`,
      );
      expect(short).toEqual([]);
      expect(slow.length).toBeGreaterThan(lives.length / 4);
      expect(inTime).toBeGreaterThanOrEqual(IN_TIME);
      expect(Math.max(...slow)).toBeLessThanOrEqual(LATEST_MS);
      judge(app, run);
    },
    figure(5_400_000, 900_000),
  );

  it(
    "survives random moments as well",
    async () => {
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
        await eight(some, async (life) => void (await run.lead(life)));
      }
      await killer;
      expect(run.kills - before).toBeGreaterThanOrEqual(RANDOM_MOMENTS);
      noteFigure(
        "Crash matrix",
        "random moments, lives led through them",
        `${RANDOM_MOMENTS}, ${lives.length}`,
      );
      judge(app, run);
    },
    figure(3_600_000, 240_000),
  );
});

function livesOf(way: WayOfLife, lived: Lived | undefined): Omit<Life, "name">[] {
  // Whose lives would meet each other is led once, and not killed.
  if (way.alone !== undefined) return [];
  const names = [...new Set(lived?.points.map(({ name }) => name))];
  return names.flatMap((point) =>
    (["before", "after"] as const).map((phase: Phase) => ({ way, kill: { point, phase } })),
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

function pointOf({ way, kill }: Omit<Life, "name">): string {
  return `${way.playbook} ${kill?.phase} ${kill?.point}`;
}

/** Eight at a time: they wait for each other's deaths together. */
async function eight<T>(all: readonly T[], act: (one: T) => Promise<void>): Promise<void> {
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
  noteFigure(
    "Crash matrix",
    "lost, changes without a record, second effects",
    `0, ${without.length}, ${twice.length}`,
  );
}
