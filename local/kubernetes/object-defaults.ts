import { isObject, type Json, type JsonObject, listAt, objectAt, valueAt } from "./json-value.ts";
import type { KubeObject } from "./kube-object.ts";
import type { Resource } from "./resource-table.ts";

const rolling = { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "25%", maxSurge: "25%" } };
const specDefaults: Readonly<Record<string, JsonObject>> = {
  deployments: { replicas: 1, strategy: rolling, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 },
  statefulsets: { replicas: 1, podManagementPolicy: "OrderedReady", revisionHistoryLimit: 10 },
  replicasets: { replicas: 1 },
  replicationcontrollers: { replicas: 1 },
  daemonsets: { updateStrategy: { type: "RollingUpdate" }, revisionHistoryLimit: 10 },
  jobs: { parallelism: 1, completions: 1, backoffLimit: 6, completionMode: "NonIndexed", suspend: false },
  cronjobs: { concurrencyPolicy: "Allow", suspend: false },
  services: { type: "ClusterIP", sessionAffinity: "None" },
  namespaces: { finalizers: ["kubernetes"] },
  validatingadmissionpolicies: { failurePolicy: "Fail" },
};
const podDefaults: JsonObject = {
  restartPolicy: "Always",
  terminationGracePeriodSeconds: 30,
  dnsPolicy: "ClusterFirst",
  securityContext: {},
  schedulerName: "default-scheduler",
};

/** Fills in what the server fills in: the part of the API's defaults that a reader of these kinds can meet. */
export function withDefaults(resource: Resource, object: KubeObject): KubeObject {
  const spec = { ...specDefaults[resource.plural], ...objectAt(object, "spec") };
  const hasSpec = isObject(object["spec"]) || resource.plural === "namespaces";
  let result: KubeObject = hasSpec ? { ...object, spec } : object;
  if (resource.plural === "pods") result = { ...result, spec: podSpec(spec) };
  if (resource.plural === "networkpolicies" && !resource.schemaless && hasSpec)
    result = { ...result, spec: policySpec(spec) };
  if (resource.plural === "namespaces") result = namespaceObject(result);
  if (resource.plural.endsWith("webhookconfigurations")) result = withHooks(result);
  if (resource.plural === "jobs" && hasSpec) result = { ...result, spec: jobSpec(result, spec) };
  return resource.template === undefined ? result : { ...result, ...templated(result, resource.template) };
}

/** The status that the server itself gives to a new object. */
export function initialStatus(resource: Resource): JsonObject | undefined {
  if (resource.plural === "pods") return { phase: "Pending", qosClass: "BestEffort" };
  if (resource.plural === "namespaces") return { phase: "Active" };
  if (resource.plural === "services") return { loadBalancer: {} };
  return resource.subresources.includes("status") ? {} : undefined;
}

function podSpec(spec: JsonObject): JsonObject {
  return {
    ...podDefaults,
    ...spec,
    ...(Array.isArray(spec["containers"]) ? { containers: spec["containers"].map(container) } : {}),
  };
}

function container(value: Json): Json {
  if (!isObject(value)) return value;
  const ports = listAt(value, "ports").map((port) => (isObject(port) ? { protocol: "TCP", ...port } : port));
  return { resources: {}, imagePullPolicy: "IfNotPresent", ...value, ...(ports.length > 0 ? { ports } : {}) };
}

// policyTypes: Ingress always, Egress only where egress rules are given. A missing rule list stays missing.
function policySpec(spec: JsonObject): JsonObject {
  const policyTypes = ["Ingress", ...(Array.isArray(spec["egress"]) ? ["Egress"] : [])];
  const given = listAt(spec, "policyTypes");
  return { podSelector: {}, ...spec, policyTypes: given.length > 0 ? given : policyTypes };
}

function namespaceObject(object: KubeObject): KubeObject {
  const own = { "kubernetes.io/metadata.name": object.metadata.name };
  const labels = { ...objectAt(object, "metadata", "labels"), ...own };
  return { ...object, metadata: { ...object.metadata, labels } };
}

// What no hook says: it is asked about everything, has ten seconds, and without an answer the request is refused.
function withHooks(object: KubeObject): KubeObject {
  const defaults: JsonObject = {
    failurePolicy: "Fail",
    matchPolicy: "Equivalent",
    namespaceSelector: {},
    objectSelector: {},
    timeoutSeconds: 10,
    ...(object.kind === "MutatingWebhookConfiguration" ? { reinvocationPolicy: "Never" } : {}),
  };
  const webhooks = listAt(object, "webhooks").map((hook) =>
    isObject(hook) ? { ...defaults, ...hook } : hook,
  );
  return { ...object, webhooks };
}

// A Job without a selector of its own gets one over its uid, in the template's labels too.
function jobSpec(object: KubeObject, spec: JsonObject): JsonObject {
  if (isObject(spec["selector"])) return spec;
  const own = { "batch.kubernetes.io/controller-uid": object.metadata.uid };
  const labels = {
    ...objectAt(spec, "template", "metadata", "labels"),
    ...own,
    "batch.kubernetes.io/job-name": object.metadata.name,
  };
  const metadata = { ...objectAt(spec, "template", "metadata"), labels };
  return { ...spec, selector: { matchLabels: own }, template: { ...objectAt(spec, "template"), metadata } };
}

function templated(object: KubeObject, path: readonly string[]): JsonObject {
  if (!isObject(valueAt(object, ...path, "spec"))) return {};
  const [head = "", ...rest] = path;
  return { [head]: defaultPodAt(object[head] ?? {}, [...rest, "spec"]) };
}

function defaultPodAt(value: Json, path: readonly string[]): Json {
  const [head, ...rest] = path;
  if (!isObject(value)) return value;
  if (head === undefined) return podSpec(value);
  return { ...value, [head]: defaultPodAt(value[head] ?? {}, rest) };
}
