const rbac = "rbac.authorization.k8s.io";

/** Somebody or something that a binding names. */
export const runner = { kind: "ServiceAccount", namespace: "ci", name: "runner" };

/** A user of that name, as a binding names one. */
export const user = (name: string): object => ({ kind: "User", apiGroup: rbac, name });

/** A group of that name. */
export const group = (name: string): object => ({ kind: "Group", apiGroup: rbac, name });

/** A binding of cluster-admin, in a namespace or (null) in the whole cluster. */
export function binding(
  namespace: string | null,
  name: string,
  {
    subjects = [runner],
    ...metadata
  }: { subjects?: readonly object[]; readonly [field: string]: unknown } = {},
): object {
  return {
    apiVersion: `${rbac}/v1`,
    kind: namespace === null ? "ClusterRoleBinding" : "RoleBinding",
    metadata: { name, ...(namespace === null ? {} : { namespace }), ...metadata },
    roleRef: { apiGroup: rbac, kind: "ClusterRole", name: "cluster-admin" },
    subjects,
  };
}

/** A service account in the namespace of the pods. */
export function account(
  name: string,
  {
    imagePullSecrets,
    ...metadata
  }: { imagePullSecrets?: readonly object[]; readonly [field: string]: unknown } = {},
): object {
  return {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { namespace: "shop", name, ...metadata },
    ...(imagePullSecrets === undefined ? {} : { imagePullSecrets }),
  };
}

/** A webhook configuration of two hooks, of which the second selects some objects. */
export function webhooks(
  kind: "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration",
  name: string,
  {
    hooks = [hook("a.evil.example.org"), hook("b.evil.example.org", { matchLabels: { app: "web" } })],
    ...metadata
  }: { hooks?: readonly object[]; readonly [field: string]: unknown } = {},
): object {
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind,
    metadata: { name, labels: { team: "x" }, ...metadata },
    webhooks: hooks,
  };
}

/** One hook that asks an address about objects of a kind that nobody has. */
export function hook(name: string, objectSelector?: object, more: object = {}): object {
  return {
    name,
    admissionReviewVersions: ["v1"],
    sideEffects: "None",
    clientConfig: { url: "https://evil.example.org/look" },
    failurePolicy: "Ignore",
    rules: [
      {
        apiGroups: ["example.org"],
        apiVersions: ["*"],
        operations: ["CREATE"],
        resources: ["nothings"],
        scope: "*",
      },
    ],
    ...(objectSelector === undefined ? {} : { objectSelector }),
    ...more,
  };
}

/** A service of a load balancer in the namespace of the pods. */
export function service(name: string, spec: object = {}, metadata: object = {}): object {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { namespace: "shop", name, labels: { team: "x" }, ...metadata },
    spec: { type: "LoadBalancer", selector: { app: name }, ports: [{ port: 443, protocol: "TCP" }], ...spec },
  };
}
