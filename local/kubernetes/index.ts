// Measured behaviour of a real API server (1.36) for the kinds of the resource table, over plain HTTP and JSON. Left out:
// TLS, protobuf, OpenAPI and field validation against it, aggregated discovery, bookmarks, server-side apply of a scale,
// exec, CEL (see blocked-images.ts), and what pod-controllers.ts names. Controllers are done before the
// answer goes out, so nothing has to be waited for; on a real server it has.
import type { AddressInfo } from "node:net";
import { z } from "zod";
import type { PolicyRule } from "./access-rules.ts";
import type { ApiAnswer } from "./api-request.ts";
import { ApiServer, type Handled, type RawRequest } from "./api-server.ts";
import { ContainerLogs, type LogPlace } from "./container-logs.ts";
import { Controllers } from "./controllers.ts";
import { httpFront, type RecordedRequest, type ServerIdentity } from "./http-front.ts";
import { type Fault, faultSchema, InjectedFaults } from "./injected-faults.ts";
import { isObject, type Json } from "./json-value.ts";
import type { KubeObject } from "./kube-object.ts";
import { azureNpm } from "./network-engine.ts";
import { ObjectStore, type StoreEvent } from "./object-store.ts";
import { effectOf, type RecordedEffect } from "./recorded-effects.ts";
import { resourceNamed, resources } from "./resource-table.ts";
import { seedObjects } from "./seeded-objects.ts";
import { StatusError } from "./status-error.ts";

export type { PolicyRule } from "./access-rules.ts";
export type { RecordedRequest } from "./http-front.ts";
export type { Fault } from "./injected-faults.ts";

/** How a stand-in starts. */
export interface KubernetesOptions {
  /** Any free one unless given. */
  readonly port?: number;
  /** What the token's user may do; everything when undefined. */
  readonly rules?: readonly PolicyRule[] | undefined;
  /** The one bearer token that is known. */
  readonly token?: string;
  /** Whether pods follow their owners; true unless told otherwise. */
  readonly controllers?: boolean;
  /** Whether it has an engine of network policies, Azure's, as AKS would; true unless told otherwise. */
  readonly networkEngine?: boolean;
  /** Serves https with it; http unless given. */
  readonly tls?: ServerIdentity;
}

/** A Kubernetes API server of our own on loopback; see the files beside this one for what it does and leaves out. */
export interface KubernetesStandIn {
  /** "http://127.0.0.1:PORT", or https. */
  readonly url: string;
  /** A kubeconfig (JSON, which is YAML) with server and token. */
  kubeconfig(): string;
  /** Every request so far on the API, in the order of the answers. */
  readonly requests: readonly RecordedRequest[];
  /** What the requests have changed, by object. */
  readonly effects: readonly RecordedEffect[];
  /** Forgets requests and effects; objects and faults stay. */
  clear(): void;
  /** Creates or changes objects as an administrator, then lets the controllers settle; gives what is stored then. */
  seed(objects: readonly object[]): KubeObject[];
  /** One stored object by plural or kind; the namespace is empty for cluster-wide kinds. */
  read(kind: string, namespace: string, name: string): KubeObject | undefined;
  /** All stored objects of a kind in a namespace, or everywhere. */
  readAll(kind: string, namespace?: string): KubeObject[];
  /** Has a container print this. Raises an error where the pod is not there. */
  print(namespace: string, pod: string, place: LogPlace, bytes: Uint8Array): void;
  /** What shall go wrong. */
  readonly faults: InjectedFaults;
  /** Ends the server and every open connection. */
  close(): Promise<void>;
}

const standardNamespaces = ["default", "kube-node-lease", "kube-public", "kube-system"];

/**
 * Starts a stand-in on 127.0.0.1. Other processes reach its records under /_stand-in/: GET (or DELETE) requests and
 * effects, POST seed (a list of objects), POST (or DELETE) faults.
 */
export async function startKubernetes(options: KubernetesOptions = {}): Promise<KubernetesStandIn> {
  const {
    port = 0,
    rules,
    token = "stand-in-token",
    controllers = true,
    networkEngine = true,
    tls,
  } = options;
  const cluster = new Cluster(rules, token, controllers);
  if (networkEngine) cluster.seed([azureNpm]);
  const server = httpFront(cluster, tls);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const url = `${tls === undefined ? "http" : "https"}://127.0.0.1:${portOf(server.address())}`;
  return {
    url,
    kubeconfig: () => kubeconfigText(url, token),
    requests: cluster.requests,
    effects: cluster.effects,
    clear: () => cluster.clear(),
    seed: (objects) => cluster.seed(objects),
    read: (kind, namespace, name) =>
      cluster.read(kind, namespace).find((object) => object.metadata.name === name),
    readAll: (kind, namespace) => cluster.read(kind, namespace),
    print: (namespace, pod, place, bytes) => cluster.print(namespace, pod, place, bytes),
    faults: cluster.faults,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        // Clients keep connections open, and a hanging request never ends by itself.
        server.closeAllConnections();
      }),
  };
}

class Cluster {
  readonly faults = new InjectedFaults();
  readonly requests: RecordedRequest[] = [];
  readonly effects: RecordedEffect[] = [];
  readonly #store = new ObjectStore();
  readonly #api: ApiServer;
  readonly #logs = new ContainerLogs();
  readonly #controllers: Controllers | undefined;

  constructor(rules: readonly PolicyRule[] | undefined, token: string, controllers: boolean) {
    this.#api = new ApiServer(this.#store, rules, token, this.#logs);
    this.#controllers = controllers ? new Controllers(this.#store) : undefined;
    this.seed(
      standardNamespaces.map((name) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } })),
    );
  }

  handle(raw: RawRequest): Handled {
    const events: StoreEvent[] = [];
    const stop = this.#store.listen((event) => events.push(event));
    const handled = this.#api.handle(raw);
    stop();
    // An Event tells of an effect and is none.
    const changed = events.filter(({ resource }) => resource.plural !== "events");
    this.effects.push(...changed.map((event) => effectOf(event, handled)));
    this.#controllers?.settle();
    return handled;
  }

  record(request: RecordedRequest): void {
    this.requests.push(request);
  }

  clear(): void {
    this.requests.length = 0;
    this.effects.length = 0;
  }

  seed(objects: readonly object[]): KubeObject[] {
    const json: Json = JSON.parse(JSON.stringify(objects));
    const seeded = seedObjects(this.#store, Array.isArray(json) ? json : []);
    this.#controllers?.settle();
    return seeded.map(
      (object) =>
        this.read(object.kind, undefined).find(({ metadata }) => metadata.uid === object.metadata.uid) ??
        object,
    );
  }

  print(namespace: string, name: string, place: LogPlace, bytes: Uint8Array): void {
    const pod = this.read("Pod", namespace).find(({ metadata }) => metadata.name === name);
    if (pod === undefined) throw new Error(`There is no pod ${namespace}/${name} that could print.`);
    this.#logs.set(pod, place, bytes);
  }

  read(kind: string, namespace: string | undefined): KubeObject[] {
    const resource = resources.find((row) => row.kind === kind) ?? resourceNamed(kind);
    return structuredClone(this.#store.list(resource, namespace));
  }

  control(method: string, path: string, text: string): ApiAnswer {
    try {
      const body = this.#controlled(`${method} ${path}`, text);
      return body === undefined
        ? { status: 404, body: `${method} ${path} is no path of the stand-in\n` }
        : { status: 200, body };
    } catch (error) {
      if (error instanceof StatusError) return { status: error.code, body: error.body };
      if (error instanceof SyntaxError || error instanceof z.ZodError)
        return { status: 400, body: error.message };
      throw error;
    }
  }

  #controlled(what: string, text: string): Json | undefined {
    switch (what) {
      case "GET requests":
        return this.requests.map((request) => ({ ...request }));
      case "GET effects":
        return toJson(this.effects);
      case "DELETE requests":
      case "DELETE effects":
        this.clear();
        return {};
      case "POST seed": {
        const given: Json = JSON.parse(text);
        const objects = Array.isArray(given) ? given : [given];
        return toJson(this.seed(objects.filter(isObject)));
      }
      case "POST faults":
        this.#addFaults(JSON.parse(text));
        return {};
      case "DELETE faults":
        this.faults.clear();
        return {};
      default:
        return undefined;
    }
  }

  #addFaults(given: unknown): void {
    const faults: Fault[] = z.array(faultSchema).parse(Array.isArray(given) ? given : [given]);
    for (const fault of faults) this.faults.add(fault);
  }
}

function toJson(value: unknown): Json {
  return JSON.parse(JSON.stringify(value));
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === "string") throw new Error("The stand-in listens on no port.");
  return address.port;
}

function kubeconfigText(server: string, token: string): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    // Clients refuse plain http unless told to skip TLS verification.
    clusters: [{ name: "stand-in", cluster: { server, "insecure-skip-tls-verify": true } }],
    users: [{ name: "reflex", user: { token } }],
    contexts: [{ name: "stand-in", context: { cluster: "stand-in", user: "reflex" } }],
    "current-context": "stand-in",
  });
}
