import { app, type HttpMethod, type HttpRequest, type HttpResponseInit } from "@azure/functions";
import type { Engine } from "../engine/engine.ts";
import { BadRequest, problem } from "./problem.ts";

/** Gives the engine, made when it is first needed. Raises when the store cannot be reached. */
export type OpenEngine = () => Promise<Engine>;

const MOST_BODY = 64 * 1024;

/** Registers one HTTP function: a key is required, every answer is JSON, every error problem+json. */
export function registerHttp(
  name: string,
  route: string,
  methods: HttpMethod[],
  openEngine: OpenEngine,
  act: (engine: Engine, request: HttpRequest) => Promise<HttpResponseInit>,
): void {
  app.http(name, {
    route,
    methods,
    authLevel: "function",
    handler: async (request, context) => {
      try {
        return await act(await openEngine(), request);
      } catch (error) {
        const response = problem(error);
        if (response.status === 500)
          context.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
        return response;
      }
    },
  });
}

/** A JSON answer that nobody caches. */
export function json(status: number, body: unknown, headers: Record<string, string> = {}): HttpResponseInit {
  return { status, jsonBody: body, headers: { "cache-control": "no-store", ...headers } };
}

/** The body of a request as JSON. Raises `BadRequest`. */
export async function jsonBody(request: HttpRequest): Promise<unknown> {
  const text = await request.text();
  if (text.length > MOST_BODY)
    throw new BadRequest(`The body has over ${MOST_BODY} characters. Send less.`, 413);
  if (text.trim() === "") throw new BadRequest("The body is empty. Send a JSON object.");
  try {
    return JSON.parse(text);
  } catch {
    throw new BadRequest("The body is not JSON. Send a JSON object.");
  }
}
