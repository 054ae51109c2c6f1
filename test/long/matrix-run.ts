import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import type { State } from "../../src/model/remediation.ts";
import { alert } from "../engine/harness.ts";
import type { KillableApp, Outside } from "../scenarios/killed-app.ts";
import type { Passage, SentRequest } from "../scenarios/recording-proxy.ts";
import { changesIn, type KillPoint, keepingPoint, outsidePoint } from "./kill-point.ts";
import { isLedBack, type WayOfLife } from "./way-of-life.ts";

/** Before the other side has the request, or when it has done it and nobody has heard. */
export type Phase = "before" | "after";

/** One life that is led, with the moment at which the process dies in it, if any. */
export interface Life {
  readonly way: WayOfLife;
  readonly name: string;
  readonly kill: { readonly point: string; readonly phase: Phase } | null;
  /** Led to the end of its first alert only: what it dies at comes before the second. */
  readonly isShort?: boolean;
}

/** What became of a life. */
export interface Lived {
  readonly killed: boolean;
  /** The points that it passed, in order. */
  readonly points: readonly KillPoint[];
  /** How many of them came before the second alert. */
  readonly first: number;
  /** Milliseconds of the app's time from its being up again to the next change of the record; null where others died in between. */
  readonly recoveredMs: number | null;
}

const recordSchema = z.looseObject({
  id: z.string(),
  state: z.string(),
  playbook: z.string(),
  planHash: z.string().nullable(),
});
const shownSchema = z.looseObject({ remediation: recordSchema });
const POLL_MS = 60;
/** How many looks pass between two that ask in any case. */
const SELDOM = 30;
/** A death waits until nobody else has come to his for this long. */
const QUIET_MS = 300;
/** Less than a lease of the app's clock: whoever is held meanwhile still drives. */
const GATHER_MS = 1_500;
/** Minutes of wall time: a busy machine is slow, and slow is not wrong. */
const MOST_POLLS = 6_000;

/** Leads lives on one app that is killed again and again: whoever finds it dead starts it. */
export class MatrixRun {
  readonly #app: KillableApp;
  readonly #armed = new Map<string, { point: string; phase: Phase; fired: boolean; upAt: number | null }>();
  readonly #points = new Map<string, KillPoint[]>();
  readonly #first = new Map<string, number>();
  readonly #recovered = new Map<string, number>();
  /** Names of lives by id of their records. */
  readonly #nameOf = new Map<string, string>();
  /** Those of the lives that are led now: the only ones that requests are searched for, however many came before. */
  readonly #livingOf = new Map<string, string>();
  /** Ids that records of an alert were written under, or were to be: so nobody searches a long list for them. */
  readonly #idsOf = new Map<string, Set<string>>();
  /** The state that each record was last written in, as far as can be seen from outside. */
  readonly #wentBy = new Map<string, string>();
  #starting: Promise<void> | null = null;
  #dying: Promise<"dropped"> | null = null;
  /** When somebody last came to his death. */
  #lastHeld = 0;
  #kills = 0;

  constructor(app: KillableApp) {
    this.#app = app;
    app.onSent = (where, phase, request) => this.#seen(where, phase, request);
  }

  /** How often the process was killed. */
  get kills(): number {
    return this.#kills;
  }

  /** The name of the life that a record belongs to. */
  lifeOf(id: string): string | undefined {
    return this.#nameOf.get(id);
  }

  /** Kills the app now, whatever it does; the next who needs it starts it again. */
  async killNow(): Promise<void> {
    this.#kills += 1;
    await this.#app.kill();
  }

  /** Starts the app where it is dead; several who find it so start it once. */
  async up(): Promise<void> {
    if (this.#app.isUp) return;
    this.#starting ??= this.#app.startApp().finally(() => {
      this.#starting = null;
      const now = this.#app.now().getTime();
      for (const armed of this.#armed.values()) if (armed.fired && armed.upAt === null) armed.upAt = now;
    });
    await this.#starting;
  }

  /** Leads one life from its first alert to its end, through every death. */
  async lead({ way, name, kill, isShort = false }: Life): Promise<Lived> {
    this.#points.set(name, []);
    if (kill !== null) this.#armed.set(name, { ...kill, fired: false, upAt: null });
    this.#app.kubernetes.seed(way.objects(name));
    await this.#alert(way, name, 1);
    if (way.never["awaiting-approval"] === undefined) await this.#decisions(way, name, isShort);
    else await this.#until(name, 1, ["done"]);
    return this.#ended(name);
  }

  #ended(name: string): Lived {
    const lived = {
      killed: this.#armed.get(name)?.fired ?? false,
      points: this.#points.get(name) ?? [],
      first: this.#first.get(name) ?? this.#points.get(name)?.length ?? 0,
      recoveredMs: this.#recovered.get(name) ?? null,
    };
    this.#armed.delete(name);
    this.#points.delete(name);
    this.#first.delete(name);
    this.#recovered.delete(name);
    for (const [id, one] of this.#livingOf) if (one === name) this.#livingOf.delete(id);
    return lived;
  }

  /** Approved, in force, taken back (or done, for good); then a second alert, which waits for approval and is rejected. */
  async #decisions(way: WayOfLife, name: string, isShort: boolean): Promise<void> {
    const asked = await this.#until(name, 1, ["awaiting-approval"]);
    const rests: State = isLedBack(way) ? "in-force" : "done";
    await this.#insist(asked.id, "approve", [rests, "applying", "verifying"], {
      planHash: asked.planHash,
    });
    await this.#until(name, 1, [rests], way.nudge);
    if (isLedBack(way)) await this.#insist(asked.id, "revert", ["reverted"]);
    if (isShort) return;
    this.#first.set(name, this.#points.get(name)?.length ?? 0);
    // What has ended for good is there again, so that there is something to ask about.
    if (way.nudge !== null || !isLedBack(way)) this.#app.kubernetes.seed(way.objects(name));
    await this.#alert(way, name, 2);
    const again = await this.#until(name, 2, ["awaiting-approval"]);
    await this.#insist(again.id, "reject", ["rejected"]);
  }

  async #alert(way: WayOfLife, name: string, number: number): Promise<void> {
    const at = new Date(this.#app.now().getTime() - 60_000).toISOString();
    const image = way.image === undefined ? {} : { image: way.image(name) };
    const extended = way.extended?.(name) ?? {};
    const body = alert({
      id: `${name}-alert-${number}`,
      key: way.key,
      pod: way.pod(name),
      at,
      extended,
      ...image,
    });
    await this.#app.send([body]);
  }

  /** Asks until the record is in one of the states; deaths in between are waited out. */
  async #until(
    name: string,
    number: number,
    states: readonly State[],
    nudge: WayOfLife["nudge"] = null,
  ): Promise<z.infer<typeof recordSchema>> {
    let last = "nothing";
    const wanted = nudge === null ? states : [...states, nudge.state];
    for (let poll = 0; poll < MOST_POLLS; poll++) {
      // What went by on its way to the store says when to look; now and then it is asked all the same.
      if (poll % SELDOM !== SELDOM - 1 && !this.#hasBeen(name, number, wanted)) {
        await delay(POLL_MS);
        continue;
      }
      const record = await this.#record(name, number);
      if (record !== null && states.some((state) => state === record.state)) return record;
      if (record !== null && nudge !== null && record.state === nudge.state) {
        this.#app.kubernetes.seed(nudge.objects(name));
      }
      last = JSON.stringify(record);
      await delay(POLL_MS);
    }
    throw new Error(`${name} did not come to ${states.join(" or ")}: ${last}`);
  }

  #hasBeen(name: string, number: number, states: readonly State[]): boolean {
    const ids = [...(this.#idsOf.get(`${name}-alert-${number}`) ?? [])];
    return ids.some((id) => states.some((state) => state === this.#wentBy.get(id)));
  }

  async #record(name: string, number: number): Promise<z.infer<typeof recordSchema> | null> {
    // The latest that is there: of a death, and of a second look for the real target, more than one id is known.
    for (const id of [...(this.#idsOf.get(`${name}-alert-${number}`) ?? [])].toReversed()) {
      const record = await this.#shown(id);
      if (record !== null) return record;
    }
    return null;
  }

  async #shown(id: string): Promise<z.infer<typeof recordSchema> | null> {
    const answer = await this.#ask("GET", `/api/remediations/${id}`);
    if (answer === null || answer.status !== 200) return null;
    return shownSchema.parse(answer.json).remediation;
  }

  /** A person who repeats a word until it was heard. */
  async #insist(
    id: string,
    word: "approve" | "revert" | "reject",
    states: readonly State[],
    more: object = {},
  ): Promise<void> {
    let last = "nothing";
    for (let poll = 0; poll < MOST_POLLS; poll++) {
      await this.#ask("POST", `/api/remediations/${id}/${word}`, { reason: "the matrix", ...more });
      const record = await this.#shown(id);
      if (record !== null && states.some((state) => state === record.state)) return;
      last = JSON.stringify(record?.state);
      await delay(POLL_MS);
    }
    throw new Error(`${id}: nobody heard ${word}; it is ${last}`);
  }

  /** One request; null where the app died over it. */
  async #ask(
    method: string,
    path: string,
    body?: object,
  ): Promise<Awaited<ReturnType<KillableApp["request"]>> | null> {
    await this.up();
    try {
      return await this.#app.request(method, path, body);
    } catch {
      return null;
    }
  }

  #seen(where: Outside, phase: Phase, request: SentRequest): Passage {
    let passage: Passage = "goes-on";
    for (const { name, id, point } of this.#pointsOf(where, request)) {
      const points = this.#points.get(name);
      if (phase === "after") {
        points?.push(point);
        if (id !== null) this.#wentBy.set(id, point.states.at(-1) ?? "");
      }
      const armed = this.#armed.get(name);
      if (armed === undefined) continue;
      if (armed.fired && armed.upAt !== null && !this.#recovered.has(name)) {
        this.#recovered.set(name, this.#app.now().getTime() - armed.upAt);
      }
      if (!armed.fired && armed.point === point.name && armed.phase === phase) {
        armed.fired = true;
        passage = this.#dieSoon();
      }
    }
    return passage;
  }

  /** One death for all who come to their moment within a little while; until then each is held where it is. */
  #dieSoon(): Promise<"dropped"> {
    this.#lastHeld = Date.now();
    this.#dying ??= this.#quiet()
      .then(() => {
        // Who died before and has not come back yet is not measured: this death would be counted in.
        for (const [name, { fired, upAt }] of this.#armed) {
          if (fired && upAt !== null && !this.#recovered.has(name)) this.#recovered.set(name, Number.NaN);
        }
        return this.killNow();
      })
      .then(() => "dropped" as const)
      .finally(() => {
        this.#dying = null;
      });
    return this.#dying;
  }

  async #quiet(): Promise<void> {
    const end = Date.now() + GATHER_MS;
    for (let now = Date.now(); now < Math.min(end, this.#lastHeld + QUIET_MS); now = Date.now())
      await delay(25);
  }

  /** The points of the lives in a request, with the record's id where it is one of a record. */
  #pointsOf(
    where: Outside,
    request: SentRequest,
  ): { readonly name: string; readonly id: string | null; readonly point: KillPoint }[] {
    const names = [...this.#points.keys()];
    if (where !== "table") {
      const point = where === "cluster" ? outsidePoint(request) : keepingPoint(request);
      const text = request.url + request.body;
      const id = [...this.#livingOf].find(([one]) => text.includes(one))?.[1];
      const name = id ?? names.find((one) => text.includes(one));
      return point === null || name === undefined ? [] : [{ name, id: null, point }];
    }
    return changesIn(request).flatMap(({ id, text, point }) => {
      const name = names.find((one) => text.includes(`${one}-alert-`));
      if (name === undefined) return [];
      this.#nameOf.set(id, name);
      this.#livingOf.set(id, name);
      const begin = `${name}-alert-`;
      const alert = begin + text.charAt(text.indexOf(begin) + begin.length);
      this.#idsOf.set(alert, (this.#idsOf.get(alert) ?? new Set()).add(id));
      return [{ name, id, point }];
    });
  }
}
