import type { ApiAnswer, ApiRequest } from "./api-request.ts";
import { type Json, listAt, stringAt, valueAt } from "./json-value.ts";
import { type KubeObject, namespaceOf } from "./kube-object.ts";
import { resourceNamed } from "./resource-table.ts";
import { badRequest, invalid, invalidValue, notFound, StatusError } from "./status-error.ts";

const pods = resourceNamed("pods");
const nodes = resourceNamed("nodes");

/** Whose log: of a container as it runs now, or of the one before it. */
export interface LogPlace {
  readonly container: string;
  readonly previous?: boolean;
}

/** What containers have printed, by the uid of their pod: another pod of that name has printed nothing yet. */
export class ContainerLogs {
  readonly #bytes = new Map<string, Uint8Array>();

  /** The container has printed this, and nothing else. */
  set(pod: KubeObject, place: LogPlace, bytes: Uint8Array): void {
    this.#bytes.set(keyOf(pod, place), bytes);
  }

  /** Undefined where nobody said what it has printed. */
  get(pod: KubeObject, place: LogPlace): Uint8Array | undefined {
    return this.#bytes.get(keyOf(pod, place));
  }
}

function keyOf({ metadata: { uid } }: KubeObject, { container, previous = false }: LogPlace): string {
  return JSON.stringify([uid, container, previous]);
}

/**
 * A container's log. The refusals of the API server are measured, those that only a kubelet gives (no such log) are
 * worded as its source has them. A node that is ready has a kubelet here; what nobody set is an empty log.
 */
export function readLog(request: ApiRequest, logs: ContainerLogs): ApiAnswer {
  const { store, resource, namespace = "", name, query } = request;
  const pod = store.get(pods, namespace, name);
  if (pod === undefined) throw notFound(resource, name);
  const limits = limitsOf(query, name);
  const place = {
    container: containerOf(pod, query.get("container") ?? ""),
    previous: isSet(query, "previous"),
  };
  const node = stringAt(pod, "spec", "nodeName");
  if (node === "") return { status: 204, body: "" };
  checkNode(request, pod, node, place);
  const bytes = logs.get(pod, place);
  if (bytes === undefined) checkStarted(pod, place);
  return { status: 200, body: "", bytes: limited(bytes ?? new Uint8Array(), limits) };
}

interface Limits {
  readonly lines: number | undefined;
  readonly bytes: number | undefined;
}

function limitsOf(query: URLSearchParams, pod: string): Limits {
  const numberOf = (field: string, least: number, why: string): number | undefined => {
    const text = query.get(field);
    if (text === null) return undefined;
    const value = Number(text);
    if (value >= least) return value;
    throw invalid({ group: "", kind: "PodLogOptions" }, pod, [invalidValue(field, value, why)]);
  };
  return {
    lines: numberOf("tailLines", 0, "must be greater than or equal to 0"),
    bytes: numberOf("limitBytes", 1, "must be greater than 0"),
  };
}

function isSet(query: URLSearchParams, field: string): boolean {
  return ["true", "1"].includes(query.get(field) ?? "");
}

function containerOf(pod: KubeObject, asked: string): string {
  const { name } = pod.metadata;
  const names = ["containers", "initContainers", "ephemeralContainers"].map((field) =>
    listAt(pod, "spec", field).map((container) => stringAt(container, "name")),
  );
  const [ordinary = []] = names;
  const [only, second] = ordinary;
  if (asked !== "") {
    if (names.flat().includes(asked)) return asked;
    throw badRequest(`container ${asked} is not valid for pod ${name}`);
  }
  if (only !== undefined && second === undefined) return only;
  throw badRequest(
    `a container name must be specified for pod ${name}, choose one of: [${ordinary.join(" ")}]`,
  );
}

function checkNode({ store, resource }: ApiRequest, pod: KubeObject, name: string, place: LogPlace): void {
  const node = store.get(nodes, "", name);
  // Worded so by the real one, as if the node were a pod.
  if (node === undefined) throw notFound(resource, name);
  const [address] = listAt(node, "status", "addresses");
  if (address === undefined) {
    throw new StatusError(500, "", "no preferred addresses found; known addresses: []");
  }
  const isReady = listAt(node, "status", "conditions").some(
    (condition) => stringAt(condition, "type") === "Ready" && stringAt(condition, "status") === "True",
  );
  if (isReady) return;
  const at = `${stringAt(address, "address")}:10250`;
  const path = `containerLogs/${namespaceOf(pod)}/${pod.metadata.name}/${place.container}`;
  throw new StatusError(
    500,
    "",
    `Get "https://${at}/${path}${place.previous === true ? "?previous=true" : ""}": dial tcp ${at}: connect: connection refused`,
  );
}

function checkStarted(pod: KubeObject, { container, previous = false }: LogPlace): void {
  const named = `container ${JSON.stringify(container)} in pod ${JSON.stringify(pod.metadata.name)}`;
  if (previous) throw badRequest(`previous terminated ${named} not found`);
  const status = ["containerStatuses", "initContainerStatuses"]
    .flatMap((field) => listAt(pod, "status", field))
    .find((one) => stringAt(one, "name") === container);
  const waiting: Json | undefined = valueAt(status, "state", "waiting");
  if (waiting !== undefined) {
    throw badRequest(`${named} is waiting to start: ${stringAt(waiting, "reason")}`);
  }
}

/** The last lines, and of these the first bytes: the limit of bytes ends what is sent, wherever it began. */
function limited(bytes: Uint8Array, { lines, bytes: most }: Limits): Uint8Array {
  const from = lines === undefined ? 0 : startOfLast(bytes, lines);
  return bytes.subarray(from, most === undefined ? undefined : from + most);
}

function startOfLast(bytes: Uint8Array, lines: number): number {
  if (lines === 0) return bytes.byteLength;
  let left = lines;
  for (let at = bytes.byteLength - 1; at > 0; at -= 1) {
    if (bytes[at - 1] === 10) left -= 1;
    if (left === 0) return at;
  }
  return 0;
}
