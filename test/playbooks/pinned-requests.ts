import type { Admission } from "./admission-policy.ts";
import type { Bindings } from "./cel-evaluators.ts";

/** The user name of our service account. */
export const OURS = "system:serviceaccount:defender-reflex:defender-reflex";

/** A request as the tests describe it; what is absent is a change of a pod by us. Undefined: the request has no such part. */
export interface Request {
  readonly username?: string | undefined;
  readonly operation?: string;
  readonly group?: string;
  readonly resource?: string;
  readonly subResource?: string | undefined;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly object?: object | null;
  readonly oldObject?: object | null;
  readonly dryRun?: boolean | undefined;
}

/** As an API server hands it to a policy: parts of the request that are empty are missing. */
export function asked(request: Request): Admission {
  const { username, operation, group, resource, subResource, namespace, name } = {
    username: OURS,
    operation: "UPDATE",
    group: "",
    resource: "pods",
    subResource: undefined,
    namespace: "shop",
    name: "web-1",
    ...request,
  };
  return {
    request: present({
      operation,
      resource: { group, version: "v1", resource },
      subResource,
      namespace,
      name,
      dryRun: request.dryRun,
      userInfo: present({ username, groups: ["system:authenticated"] }),
    }),
    object: (request.object ?? null) as Bindings | null,
    oldObject: (request.oldObject ?? null) as Bindings | null,
  };
}

function present(parts: Readonly<Record<string, Bindings[string] | undefined>>): Bindings {
  return Object.fromEntries(Object.entries(parts).filter(([, part]) => part !== undefined)) as Bindings;
}

type Labels = Readonly<Record<string, string>>;

interface Metadata {
  readonly labels?: Labels;
  readonly [field: string]: unknown;
}

interface Object {
  readonly metadata: Metadata;
  readonly spec: object;
}

/** A pod with these labels; of the rest `spec` is the specification and everything else metadata. */
export function pod(labels?: Labels, { spec, ...metadata }: { spec?: object } & Metadata = {}): Object {
  const containers = [{ name: "web", image: "reg.example/web:1", ports: [{ containerPort: 80 }] }];
  return {
    metadata: { ...(labels === undefined ? {} : { labels }), ...metadata },
    spec: spec ?? { containers, nodeName: "n1" },
  };
}

/** The same object with labels more. */
export function labelled({ metadata, spec }: Object, labels: Labels): Object {
  return { metadata: { ...metadata, labels: { ...metadata.labels, ...labels } }, spec };
}

/** A network policy with these labels. */
export function policy(labels: Labels): Object {
  return { metadata: { labels }, spec: { podSelector: {}, policyTypes: ["Ingress", "Egress"] } };
}

/** A node with these labels. */
export function node(labels: Labels = {}, spec: object = { podCIDR: "10.0.0.0/24" }): Object {
  return { metadata: { labels }, spec };
}
