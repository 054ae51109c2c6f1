import type { Json, JsonObject } from "./json-value.ts";
import { groupResource, type Resource } from "./resource-table.ts";

/** One entry of details.causes. */
export interface Cause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

type Named = Pick<Resource, "group" | "plural">;

/** A request that the API server refuses; `body` is the Status object as it goes over the wire. */
export class StatusError extends Error {
  readonly code: number;
  readonly body: JsonObject;

  constructor(code: number, reason: string, message: string, details?: JsonObject) {
    super(message);
    this.name = "StatusError";
    this.code = code;
    this.body = {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message,
      ...(reason === "" ? {} : { reason }),
      ...(details === undefined ? {} : { details }),
      code,
    };
  }
}

function detailsOf(resource: Named, name: string): JsonObject {
  return {
    ...(name === "" ? {} : { name }),
    ...(resource.group === "" ? {} : { group: resource.group }),
    kind: resource.plural,
  };
}

/** 404 for an object that does not exist; details.kind is the plural. */
export function notFound(resource: Named, name: string): StatusError {
  return new StatusError(
    404,
    "NotFound",
    `${groupResource(resource)} "${name}" not found`,
    detailsOf(resource, name),
  );
}

/** 409 for a create of a name that is taken. Same code as a conflict: only `reason` tells them apart. */
export function alreadyExists(resource: Named, name: string): StatusError {
  return new StatusError(
    409,
    "AlreadyExists",
    `${groupResource(resource)} "${name}" already exists`,
    detailsOf(resource, name),
  );
}

/** 409 for a failed precondition. */
export function conflict(resource: Named, name: string, why: string): StatusError {
  const message = `Operation cannot be fulfilled on ${groupResource(resource)} "${name}": ${why}`;
  return new StatusError(409, "Conflict", message, detailsOf(resource, name));
}

/** 409 for a stale resourceVersion. */
export function staleVersion(resource: Named, name: string): StatusError {
  const why = "the object has been modified; please apply your changes to the latest version and try again";
  return conflict(resource, name, why);
}

/** 422 with one cause per field; details.kind is the kind, not the plural. */
export function invalid(
  owner: { group: string; kind: string },
  name: string,
  causes: readonly Cause[],
): StatusError {
  const kind = owner.group === "" ? owner.kind : `${owner.kind}.${owner.group}`;
  const lines = causes.map((cause) => `${cause.field}: ${cause.message}`);
  const what = lines.length === 1 ? (lines[0] ?? "") : `[${lines.join(", ")}]`;
  return new StatusError(422, "Invalid", `${kind} "${name}" is invalid: ${what}`, {
    ...(name === "" ? {} : { name }),
    ...(owner.group === "" ? {} : { group: owner.group }),
    kind: owner.kind,
    causes: causes.map((cause) => ({ ...cause })),
  });
}

/** The cause of a value that is not allowed. */
export function invalidValue(field: string, value: Json | undefined, why: string): Cause {
  return {
    reason: "FieldValueInvalid",
    message: `Invalid value: ${JSON.stringify(value ?? null)}: ${why}`,
    field,
  };
}

/** The cause of a missing value. */
export function requiredValue(field: string, why = ""): Cause {
  return {
    reason: "FieldValueRequired",
    message: `Required value${why === "" ? "" : `: ${why}`}`,
    field,
  };
}

/** The 422 of a JSON patch whose test failed or whose path is missing: it does not say which (details are empty). */
export function patchRejected(): StatusError {
  return new StatusError(
    422,
    "Invalid",
    "the server rejected our request due to an error in our request",
    {},
  );
}

/** 400. */
export function badRequest(message: string): StatusError {
  return new StatusError(400, "BadRequest", message);
}

/** 401 for a token that nobody knows. */
export function unauthorized(): StatusError {
  return new StatusError(401, "Unauthorized", "Unauthorized");
}

/** 403 naming resource, object and why. */
export function forbidden(resource: Named, name: string, why: string): StatusError {
  const what = name === "" ? groupResource(resource) : `${groupResource(resource)} "${name}"`;
  return new StatusError(403, "Forbidden", `${what} is forbidden: ${why}`, detailsOf(resource, name));
}

/** The 429 of an eviction that a disruption budget forbids: without a Retry-After, unlike that of an overload. */
export function budgetForbids(message: string): StatusError {
  const cause: JsonObject = { reason: "DisruptionBudget", message };
  return new StatusError(
    429,
    "TooManyRequests",
    "Cannot evict pod as it would violate the pod's disruption budget.",
    { causes: [cause] },
  );
}

/** 405. */
export function methodNotAllowed(): StatusError {
  const message = "the server does not allow this method on the requested resource";
  return new StatusError(405, "MethodNotAllowed", message, {});
}

/** 415, naming the media types that are read. */
export function unknownForm(known: readonly string[]): StatusError {
  const message = `the body of the request was in an unknown format - accepted media types include: ${known.join(", ")}`;
  return new StatusError(415, "UnsupportedMediaType", message, {});
}
