import type { Clock } from "../../model/clock.ts";
import { Retryable } from "../../model/errors.ts";
import { type Apis, CONNECT_MS, openApiClient } from "./api-client.ts";
import type { LiveAccess, Located } from "./live-access.ts";

/** How long an address and its authority are relied on. */
const KEPT_MS = 15 * 60_000;
/** Least time between two looks because the cluster would not have us; also how long a no is remembered. */
const PAUSE_MS = 60_000;

/** The client for one answer of `locate`; the holder of its token is set before each call. */
export interface LiveClient {
  readonly at: Located;
  readonly apis: Apis;
  readonly holder: { bearer: string };
  close(): Promise<void>;
}

/** The one client of a cluster, made with the first use and again when the cluster has moved. */
export class LiveClients {
  readonly #access: LiveAccess;
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  #current: { readonly client: Promise<LiveClient>; readonly from: number; until: number } | null = null;
  #last: LiveClient | null = null;
  #renewed = Number.NEGATIVE_INFINITY;

  constructor(access: LiveAccess, timeoutMs: number, clock: Clock) {
    this.#access = access;
    this.#timeoutMs = timeoutMs;
    this.#clock = clock;
  }

  /** The client; all who ask at once share one look. Raises what `locate` raises. */
  get(): Promise<LiveClient> {
    const now = this.#clock.now().getTime();
    const known = this.#current;
    return known !== null && now >= known.from && now < known.until
      ? known.client
      : this.#fetch(now, this.#last);
  }

  /** A client that is not the one that was turned away; null where there can be none for now. */
  async instead(of: LiveClient): Promise<LiveClient | null> {
    const other = await this.get();
    if (other !== of) return other;
    const now = this.#clock.now().getTime();
    const justNow = now >= this.#renewed && now - this.#renewed < PAUSE_MS;
    if (!this.#access.moves || justNow) return null;
    this.#renewed = now;
    return this.#fetch(now, null);
  }

  /** Looks where the cluster is; where nobody can say for now, it is still where `otherwise` has found it. */
  #fetch(now: number, otherwise: LiveClient | null): Promise<LiveClient> {
    const entry = { client: this.#open(), from: now, until: now + KEPT_MS };
    if (otherwise !== null) {
      entry.client = entry.client.catch((error: unknown) => {
        if (!(error instanceof Retryable)) throw error;
        entry.until = this.#clock.now().getTime() + Math.max(PAUSE_MS, error.retryAfterMs);
        return otherwise;
      });
    }
    this.#current = entry;
    entry.client.catch((error: unknown) => {
      // What may be otherwise in a moment is asked again; a no stands for a while, so that a storm does not repeat it.
      if (!(error instanceof Retryable)) entry.until = this.#clock.now().getTime() + PAUSE_MS;
      else if (this.#current === entry) this.#current = null;
    });
    return entry.client;
  }

  async #open(): Promise<LiveClient> {
    const at = await this.#access.locate();
    const last = this.#last;
    // The same place keeps its sockets, and is still another client than the one that was turned away.
    const isSame = last !== null && last.at.server === at.server && last.at.authority === at.authority;
    const next = isSame ? { ...last } : await this.#connect(at);
    if (last !== null && !isSame) last.close().catch(() => undefined);
    this.#last = next;
    return next;
  }

  async #connect(at: Located): Promise<LiveClient> {
    const holder = { bearer: "" };
    const to = { ...at, serverName: undefined, token: undefined, certificate: undefined };
    const options = { timeoutMs: this.#timeoutMs, connectMs: CONNECT_MS, bearer: () => holder.bearer };
    return { at, holder, ...(await openApiClient(to, options)) };
  }
}
