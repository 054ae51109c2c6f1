import { Refused } from "../../model/errors.ts";

/** One request of the Kubernetes client, as one call of kubectl. */
export interface KubectlRequest {
  /** Words of its line: verb, place, namespace, name, kind of patch and field manager; `-` where it has none. */
  readonly words: readonly [verb: "get" | "create" | "delete" | "patch", ...rest: string[]];
  /** What stands in its file; null for a GET. */
  readonly body: string | null;
  /** Nothing of the cluster is changed by it: several such go together. */
  readonly isRead: boolean;
}

/** A request over HTTP, as the client makes it. */
export interface HttpRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly contentType: string;
  readonly body: string | undefined;
}

/** What a name or a group is made of: those of roles have colons and capitals. It never begins like an option. */
const SEGMENT = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,252}$/;
const NAMESPACE = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const PARAMETER = /^[a-zA-Z]{1,40}$/;
const MANAGER = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const LONGEST_VALUE = 4_096;
const LONGEST_PATH = 8_000;
const LARGEST_BODY = 1024 * 1024;
/** Objects of one page: more would seldom fit what a command may print. The client asks for the next page by itself. */
const MOST_OF_A_PAGE = 200;

const PATCHES: Readonly<Record<string, string>> = {
  "application/merge-patch+json": "merge",
  "application/strategic-merge-patch+json": "strategic",
  "application/json-patch+json": "json",
};

/**
 * The call of kubectl for a request. Raises `Refused` for whatever is not of the few forms that we use, and for names with
 * any letter that names do not have: nothing of it leaves then.
 */
export function kubectlRequest({ method, path, contentType, body = "" }: HttpRequest): KubectlRequest {
  const [before = "", query = ""] = path.split(/\?(.*)/s);
  const segments = segmentsOf(before);
  const parameters = [...new URLSearchParams(query)].filter(([name]) => name !== "pretty");
  if (body.length > LARGEST_BODY) throw refusal("a change that is too large");
  const isTrial = parameters.some(([name, value]) => name === "dryRun" && value === "All");
  const place = `/${segments.join("/")}${queryOf(parameters)}`;
  if (place.length > LONGEST_PATH) throw refusal("a path that is too long");
  switch (method) {
    case "GET":
      return { words: ["get", place, "-", "-", "-", "-"], body: null, isRead: true };
    case "POST":
      return { words: ["create", place, "-", "-", "-", "-"], body, isRead: isTrial };
    case "DELETE":
      return { words: ["delete", place, "-", "-", "-", "-"], body, isRead: false };
    case "PATCH":
      return { words: ["patch", ...patchOf(segments, parameters, contentType)], body, isRead: false };
    default:
      throw refusal(`the method ${/^[A-Z]{1,10}$/.test(method) ? method : "that it has"}`);
  }
}

function segmentsOf(path: string): string[] {
  const [empty, ...encoded] = path.split("/");
  const segments = encoded.map(decoded);
  const [root] = segments;
  if (empty !== "" || !(root === "api" || root === "apis")) throw refusal("a path outside the API");
  const odd = segments.find((segment) => !SEGMENT.test(segment));
  if (odd !== undefined) throw refusal("a name with letters that no name has");
  return segments;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refusal("a path that is malformed");
  }
}

/** Encoded anew, so that nothing but letters, digits and the signs of an encoding is left. */
function queryOf(parameters: readonly (readonly [string, string])[]): string {
  const parts = parameters.map(([name, value]) => {
    if (!PARAMETER.test(name) || name === "watch" || name === "follow" || value.length > LONGEST_VALUE)
      throw refusal("a parameter that is not used");
    if (!value.isWellFormed() || /\p{Cc}/u.test(value))
      throw refusal("a parameter with letters that none has");
    const isLong = name === "limit" && Number(value) > MOST_OF_A_PAGE;
    return `${name}=${encoded(isLong ? String(MOST_OF_A_PAGE) : value)}`;
  });
  return parts.length === 0 ? "" : `?${parts.join("&")}`;
}

function encoded(value: string): string {
  return encodeURIComponent(value).replaceAll(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** Place (resource.version.group), namespace, name, kind of patch and manager of a patch. */
function patchOf(
  [root, ...segments]: readonly string[],
  parameters: readonly (readonly [string, string])[],
  contentType: string,
): string[] {
  const [group = "", version = "", ...within] = root === "api" ? ["", ...segments] : segments;
  const isNamespaced = within[0] === "namespaces" && within.length === 4;
  const [resource = "", name = "", ...more] = isNamespaced ? within.slice(2) : within;
  const kind = PATCHES[contentType.split(";")[0] ?? ""];
  const { fieldManager, ...others } = Object.fromEntries(parameters);
  const namespace = isNamespaced ? (within[1] ?? "") : "-";
  if (kind === undefined) throw refusal("a patch of another kind");
  if (Object.keys(others).length > 0) throw refusal("a patch with other parameters");
  if (fieldManager === undefined || !MANAGER.test(fieldManager)) throw refusal("a patch without a manager");
  if (resource === "" || name === "" || more.length > 0)
    throw refusal("a patch of something else than an object");
  if (isNamespaced && !NAMESPACE.test(namespace)) throw refusal("a namespace that is none");
  return [`${resource}.${version}.${group}`, namespace, name, kind, fieldManager];
}

function refusal(what: string): Refused {
  return new Refused(
    `a request to the cluster has ${what}, which run command does not carry`,
    "Nothing was sent. Give the app a route to the API server for this, or report it.",
  );
}
