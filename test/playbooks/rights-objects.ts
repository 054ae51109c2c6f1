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
