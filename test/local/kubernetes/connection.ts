import {
  ApiException,
  AppsV1Api,
  CoreV1Api,
  KubeConfig,
  NetworkingV1Api,
  PatchStrategy,
  setHeaderOptions,
} from "@kubernetes/client-node";
import { afterEach } from "vitest";
import {
  type KubernetesOptions,
  type KubernetesStandIn,
  startKubernetes,
} from "../../../local/kubernetes/index.ts";
import { isObject, type Json, type JsonObject } from "../../../local/kubernetes/json-value.ts";

const running: KubernetesStandIn[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((standIn) => standIn.close()));
});

/** A stand-in for one test and the real client's APIs on it; it is closed after the test. */
export async function connect(options: KubernetesOptions = {}) {
  const standIn = await startKubernetes(options);
  running.push(standIn);
  const config = new KubeConfig();
  config.loadFromString(standIn.kubeconfig());
  return {
    standIn,
    core: config.makeApiClient(CoreV1Api),
    apps: config.makeApiClient(AppsV1Api),
    networking: config.makeApiClient(NetworkingV1Api),
    call: (method: string, path: string, body?: Json, type = "application/json", token?: string) =>
      call(standIn.url + path, method, body, type, token),
  };
}

/** The answer to a bare request. */
export interface Reply {
  readonly status: number;
  readonly body: JsonObject;
  readonly headers: Headers;
}

async function call(
  url: string,
  method: string,
  body: Json | undefined,
  type: string,
  token = "stand-in-token",
): Promise<Reply> {
  const response = await fetch(url, {
    method,
    headers: {
      ...(token === "" ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { "content-type": type }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const json: unknown = response.headers.get("content-type")?.includes("json") ? JSON.parse(text) : { text };
  return { status: response.status, body: isObject(json) ? json : {}, headers: response.headers };
}

/** What the client throws: the code, and the Status where the body is one. */
export interface Failure {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly details: JsonObject;
  readonly headers: Readonly<Record<string, string>>;
  /** The body as the client gives it: JSON text, or undefined for a 401. */
  readonly text: unknown;
}

/** Awaits a call that must fail with an ApiException. */
export async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  const error: unknown = await promise.then(
    () => new Error("The call succeeded."),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ApiException)) throw error;
  const text: unknown = error.body;
  const status: unknown = typeof text === "string" && text.startsWith("{") ? JSON.parse(text) : {};
  const { reason, message, details } = isObject(status) ? status : {};
  return {
    code: error.code,
    reason: String(reason ?? ""),
    message: String(message ?? ""),
    details: isObject(details) ? details : {},
    headers: error.headers,
    text,
  };
}

/** Request options by content type of the patch. */
export const jsonPatch = setHeaderOptions("Content-Type", PatchStrategy.JsonPatch);
export const mergePatch = setHeaderOptions("Content-Type", PatchStrategy.MergePatch);
export const strategicPatch = setHeaderOptions("Content-Type", PatchStrategy.StrategicMergePatch);
export const applyPatch = setHeaderOptions("Content-Type", PatchStrategy.ServerSideApply);

/** A Deployment of one container with pods labelled app=NAME. */
export function deployment(name: string, replicas: number, image = "nginx:1") {
  const labels = { app: name };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace: "shop" },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: "c", image }] } },
    },
  };
}

/** A pod without an owner. */
export function pod(name: string, labels: Record<string, string> = {}, image = "nginx:1") {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "shop", labels },
    spec: { containers: [{ name: "c", image }] },
  };
}

/** A ready node, so that pods of controllers run. */
export const node = { apiVersion: "v1", kind: "Node", metadata: { name: "n1", labels: { pool: "a" } } };

/** A policy that lets nothing through. */
export function denyAll(name: string, selector: Record<string, string> = { q: "x" }) {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name, namespace: "shop" },
    spec: { podSelector: { matchLabels: selector }, policyTypes: ["Ingress", "Egress"] },
  };
}
