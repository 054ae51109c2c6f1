import { app, type HttpRequest, type HttpResponseInit } from "@azure/functions";
import type { Engine } from "../engine/engine.ts";
import type { Caller, Role } from "../model/caller.ts";
import { Refused } from "../model/errors.ts";
import { bodyJson } from "./body-json.ts";
import { BadRequest, Forbidden, problem, Unauthenticated } from "./problem.ts";
import { ROUTES, type Route, type RouteName } from "./routes.ts";

/** Gives the engine, made when it is first needed. Raises when the store cannot be reached. */
export type OpenEngine = () => Promise<Engine>;

/** Who sent a request; null where it names nobody. Raises `Refused` where what it names does not hold. */
export type Authenticate = (request: HttpRequest) => Promise<Caller | null>;

/** What every HTTP function works with. */
export interface Api {
  readonly openEngine: OpenEngine;
  readonly authenticate: Authenticate;
}

/** One request that may be answered: its caller bears the role of the route. */
export interface Call {
  readonly engine: Engine;
  readonly request: HttpRequest;
  /** Null on the one route that asks nobody, when nobody is named. */
  readonly caller: Caller | null;
}

/**
 * Registers the HTTP function of that name in the table of routes. The role of the route is asked before anything else
 * is looked at; errors become problem+json.
 */
export function registerHttp(
  name: RouteName,
  { openEngine, authenticate }: Api,
  act: (call: Call) => Promise<HttpResponseInit>,
): void {
  const route: Route = ROUTES[name];
  app.http(name, {
    route: route.route,
    methods: [route.method],
    // An outer gate: a key names nobody and gives no right.
    authLevel: "function",
    handler: async (request, context) => {
      try {
        const caller = await callerOf(request, authenticate);
        mustBear(caller, route.role);
        mustBeJson(request);
        return await act({ engine: await openEngine(), request, caller });
      } catch (error) {
        const response = problem(error);
        if (response.status === 500)
          context.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
        return response;
      }
    },
  });
}

async function callerOf(request: HttpRequest, authenticate: Authenticate): Promise<Caller | null> {
  try {
    return await authenticate(request);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    throw new Unauthenticated(`${error.message}.`, error.advice, { hadToken: true });
  }
}

/** Roles do not include one another. */
function mustBear(caller: Caller | null, role: Role | null): void {
  if (role === null) return;
  if (caller === null) {
    throw new Unauthenticated(
      "The request names nobody: it has no access token.",
      "Send `Authorization: Bearer` and an access token of Entra; docs/access.md says how to get one.",
      { hadToken: false },
    );
  }
  if (!caller.roles.includes(role)) {
    throw new Forbidden(
      `This needs the role ${role}, which you do not have.`,
      `Ask an administrator of your tenant to assign ${role} to you, then get a new token.`,
    );
  }
  if (role === "Reflex.Approve" && caller.kind !== "person") {
    throw new Forbidden(
      "An application decides nothing.",
      "Let a person approve or reject, signed in as such.",
    );
  }
}

/** A form of another site can send a person's browser here, but not with this content type. */
function mustBeJson({ method, headers }: HttpRequest): void {
  const type = headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  if (method !== "POST" || type === "application/json") return;
  throw new BadRequest("The body is not declared as JSON. Send `content-type: application/json`.", 415);
}

/** A JSON answer that nobody caches. */
export function json(status: number, body: unknown, headers: Record<string, string> = {}): HttpResponseInit {
  return { status, jsonBody: body, headers: { "cache-control": "no-store", ...headers } };
}

/** The body of a request as JSON. Raises `BadRequest`. */
export async function jsonBody(request: HttpRequest): Promise<unknown> {
  return bodyJson(await request.text());
}
