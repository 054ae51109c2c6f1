import type { KubernetesStandIn } from "../kubernetes/index.ts";
import type { Api, Shown } from "./api.ts";
import type { BatchCounts } from "./functions.ts";
import type { Channel, ReadBack } from "./read-back.ts";

/** What became of one payload, or of one word of a person (then without counts). */
export interface Outcome {
  readonly counts: BatchCounts | null;
  /** Remediations that are new or have changed, oldest first. */
  readonly changed: readonly Shown[];
  readonly effects: KubernetesStandIn["effects"];
  /** Texts of the messages that went out. */
  readonly told: Readonly<Record<Channel, readonly string[]>>;
}

/** Says what has changed since it last looked. */
export class Observer {
  readonly #api: Api;
  readonly #readBack: ReadBack;
  readonly #effects: KubernetesStandIn["effects"];
  readonly #known = new Map<string, string>();
  readonly #told: Record<Channel, number> = { teams: 0, mail: 0 };
  #seen = 0;

  constructor(api: Api, readBack: ReadBack, effects: KubernetesStandIn["effects"]) {
    this.#api = api;
    this.#readBack = readBack;
    this.#effects = effects;
  }

  /** Lets the sweep send what is due, then looks. The first look of an observer says everything that is there. */
  async look(counts: BatchCounts | null): Promise<Outcome> {
    await this.#api.sweep();
    const newest = await this.#api.newest();
    const changed = newest.filter((one) => this.#known.get(one.id) !== one.updatedAt).reverse();
    for (const { id, updatedAt } of changed) this.#known.set(id, updatedAt);
    const effects = this.#effects.slice(this.#seen);
    this.#seen += effects.length;
    return {
      counts,
      changed,
      effects,
      told: { teams: await this.#heard("teams"), mail: await this.#heard("mail") },
    };
  }

  async #heard(channel: Channel): Promise<readonly string[]> {
    const all = await this.#readBack.messages(channel);
    const fresh = all.slice(this.#told[channel]);
    this.#told[channel] = all.length;
    return fresh;
  }
}
