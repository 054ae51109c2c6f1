import {
  type AccessRequest,
  accessDenied,
  anonymousUser,
  isAllowed,
  type PolicyRule,
  pathDenied,
  tokenUser,
} from "./access-rules.ts";
import { type ApiAnswer, type ApiRequest, answerWritten } from "./api-request.ts";
import { bindingRefused } from "./binding-escalation.ts";
import { type ContainerLogs, readLog } from "./container-logs.ts";
import { createObject } from "./create-object.ts";
import { deleteObject, deleteOptions } from "./delete-object.ts";
import { discover } from "./discovery.ts";
import { evictPod } from "./evict-pod.ts";
import { isObject, type Json, type JsonObject, objectAt, stringAt } from "./json-value.ts";
import type { FieldManager } from "./managed-fields.ts";
import type { ObjectStore } from "./object-store.ts";
import { applyType, parseBody, patchObject } from "./patch-object.ts";
import { refuseSession, sessions } from "./pod-sessions.ts";
import { listBody, listObjects, readObject, selection } from "./read-objects.ts";
import { verbOf } from "./request-verb.ts";
import { parseResourcePath, type ResourcePath } from "./resource-path.ts";
import { scaleOf, updateScale } from "./scale-subresource.ts";
import { isServed } from "./served-kinds.ts";
import {
  badRequest,
  invalid,
  invalidValue,
  methodNotAllowed,
  notFound,
  StatusError,
  unauthorized,
  unknownForm,
} from "./status-error.ts";
import { updateObject } from "./update-object.ts";
import { type Watch, watchObjects } from "./watch-stream.ts";

/** A request as it came in over HTTP. */
export interface RawRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly contentType: string;
  readonly userAgent: string;
  /** The authorization header, empty without one. */
  readonly authorization: string;
  readonly text: string;
  /** Runs everything and stores nothing, whatever the query says. */
  readonly storeNothing: boolean;
}

/** What a request was taken for, for the records. */
export interface Handled {
  readonly user: string;
  readonly verb: string;
  readonly subresource: string;
  readonly answer: ApiAnswer | { watch: Watch };
}

const reviewPath = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
const notServed: ApiAnswer = { status: 404, body: "404 page not found\n" };

/** The API of one cluster: who asks, may they, and which verb on which object it is. */
export class ApiServer {
  readonly #store: ObjectStore;
  readonly #rules: readonly PolicyRule[] | undefined;
  readonly #token: string;
  readonly #logs: ContainerLogs;

  constructor(
    store: ObjectStore,
    rules: readonly PolicyRule[] | undefined,
    token: string,
    logs: ContainerLogs,
  ) {
    this.#logs = logs;
    this.#store = store;
    this.#rules = rules;
    this.#token = token;
  }

  /** Answers a request; refusals are answers too, anything else that is thrown is a fault of the stand-in. */
  handle(raw: RawRequest): Handled {
    const seen = { user: "", verb: "", subresource: "" };
    try {
      return { answer: this.#answer(raw, seen), ...seen };
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      return { answer: { status: error.code, body: error.body }, ...seen };
    }
  }

  #answer(raw: RawRequest, seen: { user: string; verb: string; subresource: string }): Handled["answer"] {
    const { method, path } = raw;
    seen.user = this.#authenticate(raw.authorization);
    if (raw.contentType.endsWith("protobuf")) throw unknownForm(["application/json"]);
    const named = parseResourcePath(path);
    const found = named !== undefined && isServed(this.#store, named.resource) ? named : undefined;
    seen.verb = found === undefined ? method.toLowerCase() : verbOf(raw, found);
    if (found === undefined) return this.#answerOther(raw, seen.user);
    seen.subresource = found.subresource;
    this.#authorize(seen.user, raw, found, seen.verb);
    const { resource, namespace, name = "" } = found;
    if (resource.namespaced && namespace === undefined && !["list", "watch"].includes(seen.verb)) {
      throw methodNotAllowed();
    }
    const request: ApiRequest = {
      ...found,
      store: this.#store,
      // An empty namespace segment reads all namespaces, or deletes in all of them.
      namespace: resource.namespaced ? namespace || undefined : "",
      name,
      query: raw.query,
      contentType: raw.contentType,
      text: raw.text,
      manager: raw.query.get("fieldManager") ?? (raw.userAgent.split("/")[0] || "unknown"),
      dryRun: raw.storeNothing || isDryRun(raw.query, seen.verb),
    };
    if (name !== "") checkName(request);
    if (seen.verb === "get" && request.subresource === "log") return readLog(request, this.#logs);
    return answerVerb(seen.verb, request);
  }

  #authenticate(authorization: string): string {
    if (authorization === "") return anonymousUser;
    if (authorization !== `Bearer ${this.#token}`) throw unauthorized();
    return tokenUser;
  }

  #authorize(user: string, raw: RawRequest, found: ResourcePath, verb: string): void {
    const { resource, subresource, namespace = "", name = "" } = found;
    const access: AccessRequest = {
      verb,
      group: resource.group,
      resource: resource.plural,
      subresource,
      // A namespace lies in itself, so that a Role in it can cover it.
      namespace: resource.plural === "namespaces" ? name : namespace,
      name: name || singleName(raw.query),
    };
    this.#require(user, found, access);
    const refused = bindingRefused(this.#rules, user, verb, found);
    if (refused !== undefined) throw refused;
    const creates =
      verb === "patch" &&
      raw.contentType === applyType &&
      this.#store.get(resource, namespace, name) === undefined;
    if (creates) this.#require(user, found, { ...access, verb: "create" });
  }

  #require(user: string, { resource }: ResourcePath, access: AccessRequest): void {
    if (user === anonymousUser || !isAllowed(this.#rules, access)) throw accessDenied(user, resource, access);
  }

  #answerOther(raw: RawRequest, user: string): ApiAnswer {
    const { method, path } = raw;
    const open = path === "/version" || path === "/readyz" || path === "/livez" || path === "/healthz";
    if (user === anonymousUser && !open) throw pathDenied(user, method.toLowerCase(), path);
    if (path === reviewPath && method === "POST") return this.#review(parseBody(raw.text));
    const body = method === "GET" ? discover(path, (resource) => isServed(this.#store, resource)) : undefined;
    return body === undefined ? notServed : { status: 200, body };
  }

  #review(body: Json): ApiAnswer {
    const asked = objectAt(body, "spec", "resourceAttributes");
    const text = (key: string) => stringAt(asked, key);
    const allowed = isAllowed(this.#rules, {
      verb: text("verb"),
      group: text("group"),
      resource: text("resource"),
      subresource: text("subresource"),
      namespace: text("namespace"),
      name: text("name"),
    });
    const reason =
      'RBAC: allowed by ClusterRoleBinding "reflex" of ClusterRole "reflex" to ServiceAccount "reflex/defender-reflex"';
    const status: JsonObject = allowed ? { allowed, reason } : { allowed };
    const review = { kind: "SelfSubjectAccessReview", apiVersion: "authorization.k8s.io/v1", metadata: {} };
    return { status: 201, body: { ...review, spec: objectAt(body, "spec"), status } };
  }
}

// A list of exactly one name may be allowed by a rule on that name.
function singleName(query: URLSearchParams): string {
  return /^metadata\.name==?([^,]+)$/.exec(query.get("fieldSelector") ?? "")?.[1] ?? "";
}

function isDryRun(query: URLSearchParams, verb: string): boolean {
  const given = query.get("dryRun") ?? "";
  if (given === "" || given === "All") return given === "All";
  const kinds: Record<string, string> = {
    create: "CreateOptions",
    update: "UpdateOptions",
    patch: "PatchOptions",
  };
  const why = 'supported values: "All"';
  throw invalid({ group: "meta.k8s.io", kind: kinds[verb] ?? "DeleteOptions" }, "", [
    { ...invalidValue("dryRun", given, why), reason: "FieldValueNotSupported" },
  ]);
}

function checkName({ resource, namespace, name }: ApiRequest): void {
  if (name === "." || name === ".." || name.includes("%")) {
    const why = name.includes("%") ? "may not contain '%'" : `may not be '${name}'`;
    throw badRequest(`Name parameter invalid: ${JSON.stringify(name)}: ${why}`);
  }
  if (resource.namespaced && namespace === undefined) throw badRequest("Namespace parameter required.");
}

function answerVerb(verb: string, request: ApiRequest): Handled["answer"] {
  if (verb !== "" && sessions.includes(request.subresource)) return refuseSession(request);
  switch (verb) {
    case "get":
      return readObject(request);
    case "list":
      return listObjects(request);
    case "watch":
      return { watch: watchObjects(request) };
    case "create":
      return create(request);
    case "update":
      return update(request);
    case "patch":
      return patchObject(request);
    case "delete":
      return remove(request);
    case "deletecollection":
      return removeAll(request);
    default:
      throw methodNotAllowed();
  }
}

function objectBody(text: string): JsonObject {
  const body = text === "" ? {} : parseBody(text);
  if (!isObject(body)) throw badRequest("couldn't get version/kind; json parse error: the body is no object");
  return body;
}

function create(request: ApiRequest): ApiAnswer {
  const { store, resource, namespace = "", text, manager, dryRun } = request;
  if (request.subresource === "eviction") return evictPod(request, objectBody(text));
  const by: FieldManager = { manager, operation: "Update", subresource: "" };
  return answerWritten(201, createObject(store, resource, namespace, objectBody(text), { by, dryRun }));
}

function update(request: ApiRequest): ApiAnswer {
  const { store, resource, namespace = "", name, manager, subresource, dryRun } = request;
  const live = store.get(resource, namespace, name);
  if (live === undefined) throw notFound(resource, name);
  const body = objectBody(request.text);
  if (subresource === "scale") {
    return answerWritten(200, updateScale(request, live, { ...scaleOf(resource, live), ...body }));
  }
  const by: FieldManager = { manager, operation: "Update", subresource };
  return answerWritten(200, updateObject(store, resource, live, body, { by, form: "put", dryRun }));
}

function remove({
  store,
  resource,
  namespace = "",
  name,
  text,
  query,
  dryRun,
  subresource,
}: ApiRequest): ApiAnswer {
  if (subresource !== "") throw methodNotAllowed();
  const live = store.get(resource, namespace, name);
  if (live === undefined) throw notFound(resource, name);
  const options = deleteOptions(objectBody(text), query, dryRun);
  return { status: 200, body: deleteObject(store, resource, live, options) };
}

// Nobody is asked again: an empty name in a delete ends here and takes everything.
function removeAll(request: ApiRequest): ApiAnswer {
  const { store, resource, namespace, text, query, dryRun } = request;
  if (!resource.deletesCollection) throw methodNotAllowed();
  const options = deleteOptions(objectBody(text), query, dryRun);
  const gone = store.list(resource, namespace).filter(selection(request));
  for (const object of gone) deleteObject(store, resource, object, options);
  return { status: 200, body: listBody(request, gone, { resourceVersion: String(store.version) }) };
}
