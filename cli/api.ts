import { z } from "zod";
import { accessToken, HOW_TO_SIGN_IN } from "./access-token.ts";
import { type ApiAddress, findApi } from "./api-address.ts";
import type { CommandIo } from "./command-io.ts";
import { errorCode, errorWords } from "./error-words.ts";
import { asSentence } from "./print.ts";
import { Stop } from "./stop.ts";

const TIMEOUT_SECONDS = 60;
const problemSchema = z.looseObject({ detail: z.string().min(1), advice: z.string().optional() });

/** The HTTP API of the app. Both raise `Stop`: 2 where the request was wrong (400), 1 for every other answer. */
export interface Api {
  get(path: string, query?: Readonly<Record<string, string | undefined>>): Promise<unknown>;
  post(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<unknown>;
}

/** Opens the API at the address that the option, the environment or a local start gives. Raises `Stop`. */
export async function openApi(io: CommandIo, option: string | undefined): Promise<Api> {
  const found = await findApi(io, option);
  const address = { ...found, token: await accessToken(io, found) };
  return {
    get(path, query = {}) {
      const url = new URL(path, address.url);
      for (const [name, value] of Object.entries(query)) {
        if (value !== undefined) url.searchParams.set(name, value);
      }
      return ask(io, address, url, { method: "GET" });
    },
    post(path, body, headers = {}) {
      const content = { ...headers, "content-type": "application/json" };
      return ask(io, address, new URL(path, address.url), {
        method: "POST",
        headers: content,
        body: JSON.stringify(body),
      });
    },
  };
}

/** An answer in the form that this version understands. Raises `Stop`. */
export function understood<T>(schema: z.ZodType<T>, answer: unknown): T {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw new Stop(
    1,
    "the answer is not one that this version understands; use the command of the app's version",
  );
}

/** The address with what opens it: both go there and nowhere else. */
interface Door extends ApiAddress {
  readonly token: string | undefined;
}

interface Request {
  readonly method: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

async function ask(io: CommandIo, address: Door, url: URL, request: Request): Promise<unknown> {
  let response: Response;
  let text: string;
  try {
    response = await io.fetch(url, {
      ...request,
      headers: {
        accept: "application/json",
        ...request.headers,
        ...(address.key === undefined ? {} : { "x-functions-key": address.key }),
        ...(address.token === undefined ? {} : { authorization: `Bearer ${address.token}` }),
      },
      // A redirect would carry key and token to another host.
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_SECONDS * 1000),
    });
    text = await response.text();
  } catch (error) {
    throw noAnswer(error, address.url, request);
  }
  const value = parsedOrUndefined(text);
  if (!response.ok) throw refusal(response, value, address);
  if (value !== undefined) return value;
  throw new Stop(1, `${address.url.href} does not answer as defender-reflex does; check REFLEX_URL`);
}

function noAnswer(error: unknown, { href }: URL, { method }: Request): Stop {
  if (error instanceof Error && error.name === "TimeoutError") {
    const next = method === "GET" ? "ask again in a moment" : "look with `reflex list` whether it was done";
    return new Stop(1, `${href} did not answer within ${TIMEOUT_SECONDS} seconds; ${next}`);
  }
  return new Stop(
    1,
    `nothing answers at ${href} (${causeOf(error)}); start the app with \`npm start\`, or set REFLEX_URL to where it runs`,
  );
}

function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return errorCode(cause) ?? errorWords(cause);
}

function refusal({ status, headers }: Response, value: unknown, { url: { href }, key, token }: Door): Stop {
  const problem = problemSchema.safeParse(value);
  if (problem.success) {
    const { detail } = problem.data;
    // What a program is told to send is no help to a person at a terminal.
    const advice = status === 401 && token === undefined ? capital(HOW_TO_SIGN_IN) : problem.data.advice;
    return new Stop(
      status === 400 ? 2 : 1,
      [detail, advice].flatMap((part) => (part === undefined ? [] : [asSentence(part)])).join(" "),
      retryAfter(headers),
    );
  }
  if (status === 401 || status === 403) {
    const what = key === undefined ? "wants a key" : "refused the key";
    return new Stop(1, `${href} ${what}; set REFLEX_KEY to a function key of the app`);
  }
  if (status >= 300 && status < 400)
    return new Stop(1, `${href} sends on to another address; set REFLEX_URL to the app's own`);
  if (status === 404) return new Stop(1, `there is no API of defender-reflex at ${href}; check REFLEX_URL`);
  return new Stop(1, `${href} answered ${status} without a reason; look at the log of the app`);
}

/** The seconds of the header, in milliseconds. */
function retryAfter(headers: Headers): number | null {
  const seconds = Number(headers.get("retry-after") ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : null;
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function parsedOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
