import type { HttpLibrary } from "@kubernetes/client-node";
import { Retryable } from "../../model/errors.ts";
import type { RawGet } from "../kubernetes/raw-get.ts";
import { AnswerTooLarge, type CommandQueue } from "./command-queue.ts";
import { type ApiAnswer, failedAnswer, goodAnswer } from "./kubectl-answer.ts";
import { type HttpRequest, kubectlRequest } from "./kubectl-request.ts";

/** Of an answer whose end nobody would miss, what certainly fits a command. */
const CERTAIN_BYTES = 256 * 1024;
/** No list is that long: what comes near it does not fit anyway. */
const MOST_BYTES = 32 * 1024 * 1024;

/** Both ways in which the client asks: typed, and for bytes as they are. */
export interface Transport {
  readonly httpApi: HttpLibrary;
  readonly raw: RawGet;
}

/**
 * How the client's requests go out as calls of kubectl: each comes back as the answer that the API server gave, code and
 * words. What kubectl says otherwise is no answer and raises `Retryable`. Loads the library.
 */
export async function kubectlTransport(queue: CommandQueue): Promise<Transport> {
  const sdk = await import("../kubernetes/sdk.ts");
  const ask = async (
    http: HttpRequest,
    mostBytes: number,
  ): Promise<ApiAnswer & { readonly cut: boolean }> => {
    const request = kubectlRequest(http);
    const { exitCode, body, size, words } = await queue.ask({ request, mostBytes });
    if (exitCode === 0)
      return { ...goodAnswer(body, words, http.method === "POST"), cut: size > body.length };
    const failed = failedAnswer(words);
    if (failed === null) throw notUnderstood(exitCode);
    return { ...failed, cut: false };
  };
  const send: HttpLibrary["send"] = (request) => {
    const body = request.getBody();
    const { pathname, search } = new URL(request.getUrl());
    const [, contentType = ""] =
      Object.entries(request.getHeaders()).find(([name]) => name.toLowerCase() === "content-type") ?? [];
    const http = { method: request.getHttpMethod(), path: pathname + search, contentType };
    if (!(body === undefined || typeof body === "string"))
      throw new TypeError("A request of the Kubernetes client has a strange body.");
    return sdk.from(
      ask({ ...http, body }, MOST_BYTES).then((answer) => {
        const bytes = Buffer.from(answer.body);
        return new sdk.ResponseContext(
          answer.code,
          { ...answer.headers },
          {
            text: async () => bytes.toString("utf8"),
            binary: async () => bytes,
            stream: () => null,
          },
        );
      }),
    );
  };
  const raw: RawGet = async (path, mostBytes) => {
    const get = (most: number) => ask({ method: "GET", path, contentType: "", body: undefined }, most);
    const isLog = /\/log(?:\?|$)/.test(path);
    const answer = await get(mostBytes).catch((error: unknown) => {
      if (error instanceof AnswerTooLarge && isLog && mostBytes > CERTAIN_BYTES) return get(CERTAIN_BYTES);
      throw error;
    });
    const { code, headers, body, cut } = answer;
    if (code === 200) return { bytes: body, cut, type: isLog ? "text/plain" : "application/json" };
    throw Object.assign(new Error("The API server refused."), {
      code,
      body: Buffer.from(body).toString("utf8"),
      headers,
    });
  };
  return { httpApi: { send }, raw };
}

function notUnderstood(exitCode: number): Retryable {
  return new Retryable(
    `kubectl ended with ${exitCode} in the cluster, and not by a word of the API server`,
    "Look whether the API server can be reached from the pods of namespace aks-command.",
    { retryAfterMs: 10_000 },
  );
}
