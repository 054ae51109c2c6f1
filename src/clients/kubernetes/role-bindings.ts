import type { V1ClusterRoleBinding, V1RoleBinding } from "@kubernetes/client-node";
import type { RoleBinding, RoleBindingReader, RoleBindingWriter } from "../../model/role-binding.ts";
import type { ApiCall } from "./api-call.ts";
import { checkedDeletion, checkedMetadata } from "./checked-answer.ts";
import type { Apis, Connection } from "./connection.ts";
import { checkNamespace, checkRbacName } from "./object-names.ts";
import { identityFrom } from "./objects-from-api.ts";
import { plainManifest } from "./plain-manifest.ts";

const apiGroup = "rbac.authorization.k8s.io";

/** The reading of bindings over one connection. */
export function readRoleBindings({ find }: Connection): RoleBindingReader {
  return {
    async roleBinding(namespace, name) {
      return find(callOf("get", namespace, name), async (apis) => {
        const answer =
          namespace === null
            ? await apis.rbac.readClusterRoleBinding({ name })
            : await apis.rbac.readNamespacedRoleBinding({ namespace, name });
        return bindingFrom(apis, namespace, name, answer);
      });
    },
  };
}

/** The changing of bindings over one connection. */
export function writeRoleBindings({ find }: Connection): RoleBindingWriter {
  return {
    async deleteRoleBinding(namespace, name, { uid, resourceVersion }) {
      await find(callOf("delete", namespace, name), async ({ rbac }) => {
        const body = { preconditions: { uid, resourceVersion } };
        const answer =
          namespace === null
            ? await rbac.deleteClusterRoleBinding({ name, body })
            : await rbac.deleteNamespacedRoleBinding({ namespace, name, body });
        checkedDeletion(answer, { kind: kindOf(namespace), name, uid });
      });
    },
  };
}

function kindOf(namespace: string | null): "ClusterRoleBinding" | "RoleBinding" {
  return namespace === null ? "ClusterRoleBinding" : "RoleBinding";
}

function callOf(verb: "get" | "delete", namespace: string | null, name: string): ApiCall {
  if (namespace !== null) checkNamespace(namespace);
  checkRbacName(name);
  return namespace === null
    ? { verb, apiGroup, resource: "clusterrolebindings", name }
    : { verb, apiGroup, resource: "rolebindings", namespace, name };
}

function bindingFrom(
  apis: Apis,
  namespace: string | null,
  name: string,
  answer: V1ClusterRoleBinding | V1RoleBinding,
): RoleBinding {
  const kind = kindOf(namespace);
  const metadata = checkedMetadata(answer, { kind, name, ...(namespace === null ? {} : { namespace }) });
  const { labels, annotations } = metadata;
  const { roleRef, subjects = [] } = answer;
  const manifest = apis.toWire(
    {
      apiVersion: `${apiGroup}/v1`,
      kind,
      metadata: {
        name,
        ...(namespace === null ? {} : { namespace }),
        ...(labels === undefined ? {} : { labels }),
        ...(annotations === undefined ? {} : { annotations }),
      },
      roleRef,
      ...(answer.subjects === undefined ? {} : { subjects }),
    },
    `V1${kind}`,
  );
  return {
    ...identityFrom(metadata),
    role: { kind: roleRef.kind, name: roleRef.name },
    subjects: subjects.map((one) => ({ kind: one.kind, namespace: one.namespace ?? null, name: one.name })),
    manifest: plainManifest(manifest),
  };
}
