/** An answer of the API server, as kubectl told it. */
export interface ApiAnswer {
  readonly code: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Codes of the API server's reasons (k8s.io/apimachinery, meta/v1 StatusReason). */
const CODES: Readonly<Record<string, number>> = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  Gone: 410,
  Expired: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  ServerTimeout: 500,
  ServiceUnavailable: 503,
  Timeout: 504,
};

const OF_SERVER = /^Error from server \(([A-Za-z]{1,40})\): (.*)$/s;
const OF_LOGIN = /^error: You must be logged in to the server(?: \((.*)\))?$/s;
const OF_OBJECT = /^(?:The .{1,400}? is invalid|The request is invalid)(?:: ?(.*))?$/s;
/** What the API server says of a path that it does not know; its answer itself is plain text. */
const NOT_SERVED = "the server could not find the requested resource";
const TERMINATING = /unable to create new content in namespace \S+ because it is being terminated$/;
const BUDGET = /violate the pod's disruption budget/;
const WARNING = /^Warning: (.+)$/gm;

/** The success that kubectl printed, with the warnings of the API server where they stand in its answers. */
export function goodAnswer(body: Uint8Array, words: string, isCreation: boolean): ApiAnswer {
  const warnings = [...words.matchAll(WARNING)].map(
    ([, text = ""]) => `299 - "${text.replaceAll(/["\\]/g, "\\$&")}"`,
  );
  return {
    code: isCreation ? 201 : 200,
    headers: {
      "content-type": "application/json",
      ...(warnings.length === 0 ? {} : { warning: warnings.join(", ") }),
    },
    body,
  };
}

/** The answer of the API server that kubectl's failure tells of; null where it tells of something else. */
export function failedAnswer(words: string): ApiAnswer | null {
  const said = words.replaceAll(WARNING, "").trim();
  const login = OF_LOGIN.exec(said);
  if (login !== null) return status("Unauthorized", login[1] ?? "");
  const server = OF_SERVER.exec(said);
  if (server !== null) {
    const [, reason = "", message = ""] = server;
    if (reason === "NotFound" && message === NOT_SERVED) return plain(404, "404 page not found");
    return status(reason, message, causesOf(reason, message));
  }
  const object = OF_OBJECT.exec(said);
  return object === null ? null : status("Invalid", said, fieldsOf(object[1] ?? ""));
}

interface Cause {
  readonly reason?: string;
  readonly field?: string;
  readonly message?: string;
}

function causesOf(reason: string, message: string): readonly Cause[] {
  if (TERMINATING.test(message)) return [{ reason: "NamespaceTerminating" }];
  return reason === "TooManyRequests" && BUDGET.test(message) ? [{ reason: "DisruptionBudget" }] : [];
}

/** What is wrong with an object: `field: message`, or a list of them, one in a line. */
function fieldsOf(told: string): readonly Cause[] {
  const lines = told.trimStart().startsWith("* ")
    ? told.split(/\n(?=\* )/).map((line) => line.trim().replace(/^\* /, ""))
    : [told];
  return lines.flatMap((line) => {
    const [, field = "", message = ""] = /^([^:\s]{0,300}): (.*)$/s.exec(line) ?? [];
    if (message !== "") return [{ field, message }];
    // A failed test of a JSON patch says nothing of fields; another failure must not be taken for one.
    return line.trim() === "" || line.includes("due to an error in our request") ? [] : [{ message: line }];
  });
}

function status(reason: string, message: string, causes: readonly Cause[] = []): ApiAnswer | null {
  const code = CODES[reason];
  if (code === undefined) return null;
  const details = causes.length === 0 ? {} : { details: { causes } };
  const body = { kind: "Status", apiVersion: "v1", status: "Failure", reason, code, message, ...details };
  return { code, headers: { "content-type": "application/json" }, body: Buffer.from(JSON.stringify(body)) };
}

function plain(code: number, text: string): ApiAnswer {
  return { code, headers: { "content-type": "text/plain" }, body: Buffer.from(text) };
}
