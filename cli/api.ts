import { z } from "zod";
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
  const address = await findApi(io, option);
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

interface Request {
  readonly method: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

async function ask(io: CommandIo, address: ApiAddress, url: URL, request: Request): Promise<unknown> {
  let response: Response;
  let text: string;
  try {
    response = await io.fetch(url, {
      ...request,
      headers: {
        accept: "application/json",
        ...request.headers,
        ...(address.key === undefined ? {} : { "x-functions-key": address.key }),
      },
      // A redirect would carry the key to another host.
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_SECONDS * 1000),
    });
    text = await response.text();
  } catch (error) {
    throw noAnswer(error, address.url, request);
  }
  const value = parsedOrUndefined(text);
  if (!response.ok) throw refusal(response.status, value, address);
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

function refusal(status: number, value: unknown, { url: { href }, key }: ApiAddress): Stop {
  const problem = problemSchema.safeParse(value);
  if (problem.success) {
    const { detail, advice } = problem.data;
    return new Stop(
      status === 400 ? 2 : 1,
      [detail, advice].flatMap((part) => (part === undefined ? [] : [asSentence(part)])).join(" "),
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

function parsedOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
