import { Document, Scalar, YAMLSeq } from "yaml";
import { OWN_NAMESPACE } from "../model/incident-mark.ts";
import type { KubernetesRight } from "./kubernetes-rights.ts";

/** The account, its roles and their bindings all have this name. */
const NAME = "defender-reflex";
const RBAC = "rbac.authorization.k8s.io";
const labels = { "app.kubernetes.io/managed-by": NAME };

const ABOUT = [
  " What defender-reflex may do in this cluster: what the engine reads, and what these playbooks declare.",
  " Each verb says who wants it. Made by `reflex permissions`; 1-namespace.yaml has to be there first.",
];

/**
 * The rights as an operator applies them: service account, ClusterRole, a Role for each namespace to which some are
 * limited, and the bindings. The same rights give the same text.
 */
export function clusterRole(rights: readonly KubernetesRight[]): string {
  const namespaces = [...new Set(rights.map(({ namespace }) => namespace))].filter((one) => one !== null);
  const documents = [
    serviceAccount(),
    ...role(null, rights),
    ...namespaces.flatMap((namespace) => role(namespace, rights)),
  ].map((content) => new Document(content));
  const [first] = documents;
  if (first !== undefined) first.commentBefore = ABOUT.join("\n");
  return documents.map((document) => document.toString({ lineWidth: 0 })).join("---\n");
}

function serviceAccount(): object {
  return {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name: NAME, namespace: OWN_NAMESPACE, labels },
    // Its token is asked for by an administrator; no pod gets one.
    automountServiceAccountToken: false,
  };
}

/** A role with its binding. */
function role(namespace: string | null, rights: readonly KubernetesRight[]): object[] {
  const kind = namespace === null ? "ClusterRole" : "Role";
  const metadata = namespace === null ? { name: NAME, labels } : { name: NAME, namespace, labels };
  const granted = rights.filter((right) => right.namespace === namespace);
  return [
    { apiVersion: `${RBAC}/v1`, kind, metadata, rules: granted.map(rule) },
    {
      apiVersion: `${RBAC}/v1`,
      kind: `${kind}Binding`,
      metadata,
      roleRef: { apiGroup: RBAC, kind, name: NAME },
      subjects: [{ kind: "ServiceAccount", name: NAME, namespace: OWN_NAMESPACE }],
    },
  ];
}

function rule({ apiGroup, resource, resourceNames, verbs }: KubernetesRight): object {
  const commented = new YAMLSeq();
  commented.items = verbs.map(({ verb, wantedBy }) => {
    const scalar = new Scalar(verb);
    scalar.comment = ` ${wantedBy.join(", ")}`;
    return scalar;
  });
  return {
    apiGroups: onOneLine([apiGroup]),
    resources: onOneLine([resource]),
    ...(resourceNames === null ? {} : { resourceNames: onOneLine(resourceNames) }),
    verbs: commented,
  };
}

function onOneLine(words: readonly string[]): YAMLSeq {
  const list = new YAMLSeq();
  list.flow = true;
  list.items = words.map((word) => new Scalar(word));
  return list;
}
