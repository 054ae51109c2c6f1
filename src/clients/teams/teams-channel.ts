import { Permanent, Retryable } from "../../model/errors.ts";
import { ForbiddenAddress, guardedLookup, type Reach, type Resolve } from "../outside-address.ts";
import { readStart } from "./read-start.ts";
import { retryAfterMs } from "./retry-after.ts";
import { type WebhookRules, webhookAddress } from "./webhook-address.ts";

const MOST_BODY_BYTES = 4096;
const DEFAULT_WAIT_MS = 30_000;

/** What is used of an answer. */
type Answer = Pick<Response, "ok" | "status" | "body"> & { readonly headers: Pick<Headers, "get"> };

/** A Teams workflow behind a webhook. `url` is a credential. */
export interface TeamsChannelOptions extends WebhookRules {
  readonly url: string;
  /** Limit of the whole exchange; 10 s if not given. */
  readonly timeoutMs?: number | undefined;
  /** The system's if not given. */
  readonly resolve?: Resolve | undefined;
}

/** Posts to one Teams channel. */
export interface TeamsChannel {
  /**
   * Posts a card in its envelope. Returning means that the workflow took it, not that the card is to be seen: it
   * answers before it posts. Errors: `Retryable`, `Permanent`; they name the host, never the address.
   */
  post(envelope: object): Promise<void>;
}

/** Makes a channel to a Teams workflow. Raises `Permanent` where the address is not one that may be used. */
export function createTeamsChannel(options: TeamsChannelOptions): TeamsChannel {
  const url = webhookAddress(options.url, options);
  const connection = openOnce({ loopback: options.allowLoopback === true, private: false }, options.resolve);
  const timeoutMs = options.timeoutMs ?? 10_000;

  return {
    async post(envelope) {
      const body = JSON.stringify(envelope);
      let response: Answer;
      let answer: string;
      try {
        const { fetch, dispatcher } = await connection();
        response = await fetch(url, {
          dispatcher,
          method: "POST",
          headers: { "content-type": "application/json; charset=utf-8", accept: "application/json" },
          body,
          redirect: "manual",
          signal: AbortSignal.timeout(timeoutMs),
        });
        answer = await readStart(response, MOST_BODY_BYTES);
      } catch (error) {
        throw unreachable(url.host, error);
      }
      if (!response.ok) {
        throw refusal(url.host, response, answer);
      }
    },
  };
}

/** The HTTP client, loaded with the first message; its sockets go only where the resolver's answers may be reached. */
function openOnce(reach: Reach, resolve: Resolve | undefined) {
  const open = async () => {
    const { Agent, fetch } = await import("undici");
    return { fetch, dispatcher: new Agent({ connect: { lookup: guardedLookup(reach, resolve) } }) };
  };
  let opened: ReturnType<typeof open> | undefined;
  return () => {
    opened ??= open();
    return opened;
  };
}

function unreachable(host: string, error: unknown): Retryable | Permanent {
  const code = codeOf(error);
  if (code === ForbiddenAddress.CODE) {
    return new Permanent(
      `The Teams webhook at ${host} was not called: its name leads to a private, local or reserved address.`,
      "Check who answers for this name: a workflow has public addresses only.",
    );
  }
  return new Retryable(
    `The Teams webhook at ${host} did not answer: ${code}.`,
    `Check that ${host} can be reached from the app.`,
    // The error as it came may hold the address.
    { retryAfterMs: DEFAULT_WAIT_MS, cause: new Error(code) },
  );
}

function codeOf(error: unknown): string {
  for (const candidate of [error instanceof Error ? error.cause : null, error]) {
    if (candidate instanceof Error) {
      const code = "code" in candidate ? candidate.code : candidate.name;
      return typeof code === "string" && /^\w{1,64}$/.test(code) ? code : candidate.name;
    }
  }
  return "unknown error";
}

function refusal(host: string, response: Answer, answer: string): Retryable | Permanent {
  const { status } = response;
  // Only the code of the workflow's error: its message may repeat the address.
  const code = /"code"\s*:\s*"(\w{1,64})"/.exec(answer)?.[1];
  const told = `The Teams webhook at ${host} answered ${status}${code === undefined ? "" : ` (${code})`}.`;
  if (status === 429 || status === 408 || status >= 500) {
    return new Retryable(
      told,
      status === 429
        ? "Wait, or send fewer messages to this channel."
        : "Wait, or look at the workflow's run history.",
      { retryAfterMs: retryAfterMs(response.headers, DEFAULT_WAIT_MS) },
    );
  }
  if (status >= 300 && status < 400) {
    return new Permanent(
      told,
      "Put the workflow's present address into the setting: redirects are not followed.",
    );
  }
  if (status === 413) {
    return new Permanent(told, "The card is larger than this workflow takes; look at the record instead.");
  }
  return new Permanent(
    told,
    "Check that the workflow exists and is on, and put its address into the setting again.",
  );
}
