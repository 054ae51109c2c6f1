import type { HttpClient, Pipeline, PipelineResponse } from "@azure/core-rest-pipeline";
import type { ArmAccess } from "./arm-access.ts";
import { armPath, armSegment } from "./arm-path.ts";
import { classifyAnswer, classifyFault, isNotThere } from "./classify-fault.ts";
import { inTime } from "./in-time.ts";

export { type ArmAccess, type ArmOptions, openArmAccess } from "./arm-access.ts";

/**
 * Resource Manager by resource id. Every call has its ten seconds; retries are the engine's, but for a read on a
 * connection that was closed under it, which is asked again once. Errors:
 * `Retryable` (no or no whole answer, throttled with what Azure asks to wait, 5xx), `Permanent` (401, 403, refused).
 */
export interface Arm {
  /** The resource's JSON, unchecked; null: there is none. */
  get(id: string, apiVersion: string): Promise<unknown>;
  /**
   * Posts to an action of the resource, with further parameters in its query; the answer's JSON, unchecked, null where
   * it has none.
   */
  post(
    id: string,
    action: string,
    apiVersion: string,
    body: unknown,
    query?: Readonly<Record<string, string>>,
  ): Promise<unknown>;
  /** Begins what takes its time by an action of the resource. */
  begin(id: string, action: string, apiVersion: string, body: unknown): Promise<Progress>;
  /** How far it is, at the id under which that is asked. */
  progress(id: string, apiVersion: string): Promise<Progress>;
}

/** How far something is that takes its time. */
export interface Progress {
  /** It goes on (202). */
  readonly isRunning: boolean;
  /** Where Azure says that it is to be asked for, unchecked. */
  readonly location: string | null;
  /** How long Azure asks to wait before that; null where it does not say. */
  readonly retryAfterMs: number | null;
  /** What it came to, unchecked; null while it goes on. */
  readonly body: unknown;
}

interface Sender {
  readonly pipeline: Pipeline;
  readonly client: HttpClient;
  readonly sdk: typeof import("./sdk.ts");
}

interface Call {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly apiVersion: string;
  readonly body?: unknown;
  readonly query?: Readonly<Record<string, string>> | undefined;
}

/** The client; the library is loaded with its first call. */
export function createArm(access: ArmAccess): Arm {
  let sender: Promise<Sender> | undefined;
  const send = async (call: Call): Promise<PipelineResponse> => {
    const what = `${call.method} ${call.path}`;
    try {
      return await inTime(access.timeoutMs, async (abortSignal) => {
        sender ??= openSender(access);
        const { pipeline, client, sdk } = await sender;
        const request = sdk.createPipelineRequest({
          url: `${access.endpoint.origin}${call.path}?${queryOf(call)}`,
          method: call.method,
          abortSignal,
          headers: sdk.createHttpHeaders({
            accept: "application/json",
            ...(call.body === undefined ? {} : { "content-type": "application/json; charset=utf-8" }),
          }),
          ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
        });
        return pipeline.sendRequest(client, request);
      });
    } catch (error) {
      throw classifyFault(error, what);
    }
  };
  const answered = async (call: Call): Promise<unknown> => {
    const response = await send(call);
    const what = `${call.method} ${call.path}`;
    if (call.method === "GET" && isNotThere(response)) return null;
    if (response.status < 200 || response.status > 299) throw classifyAnswer(response, what);
    try {
      return response.status === 204 ? null : JSON.parse(response.bodyAsText ?? "");
    } catch (error) {
      throw classifyFault(error, what);
    }
  };
  const progressOf = async (call: Call): Promise<Progress> => {
    const response = await send(call);
    const what = `${call.method} ${call.path}`;
    const { status, headers } = response;
    if (status !== 200 && status !== 202) throw classifyAnswer(response, what);
    const wait = headers.get("retry-after") ?? "";
    const at = {
      location: headers.get("location") ?? null,
      retryAfterMs: /^\d{1,5}$/.test(wait) ? Number(wait) * 1_000 : null,
    };
    if (status === 202) return { isRunning: true, ...at, body: null };
    try {
      return { isRunning: false, ...at, body: JSON.parse(response.bodyAsText ?? "") };
    } catch (error) {
      throw classifyFault(error, what);
    }
  };
  return {
    begin: async (id, action, apiVersion, body) =>
      progressOf({ method: "POST", path: `${armPath(id)}/${armSegment(action)}`, apiVersion, body }),
    progress: async (id, apiVersion) => progressOf({ method: "GET", path: armPath(id), apiVersion }),
    get: async (id, apiVersion) => answered({ method: "GET", path: armPath(id), apiVersion }),
    post: async (id, action, apiVersion, body, query) =>
      answered({ method: "POST", path: `${armPath(id)}/${armSegment(action)}`, apiVersion, body, query }),
  };
}

function queryOf({ apiVersion, query = {} }: Call): string {
  return [["api-version", apiVersion] as const, ...Object.entries(query)]
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join("&");
}

async function openSender(access: ArmAccess): Promise<Sender> {
  const sdk = await import("./sdk.ts");
  const pipeline = sdk.createPipelineFromOptions(access.pipelineOptions);
  pipeline.addPolicy(
    sdk.bearerTokenAuthenticationPolicy({ credential: access.credential, scopes: access.endpoint.scope }),
  );
  await access.protect(pipeline);
  return { pipeline, client: await access.httpClient(), sdk };
}
