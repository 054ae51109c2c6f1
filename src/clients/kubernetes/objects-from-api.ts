import type {
  V1Container,
  V1ContainerStatus,
  V1LabelSelector,
  V1NetworkPolicy,
  V1Node,
  V1Pod,
  V1PodTemplateSpec,
  V1Scale,
} from "@kubernetes/client-node";
import type {
  Container,
  LabelExpression,
  LabelSelector,
  Namespace,
  NetworkPolicy,
  Node,
  ObjectIdentity,
  Pod,
  Scale,
  Workload,
  WorkloadKind,
} from "../../model/kubernetes-objects.ts";
import type { CheckedMetadata } from "./checked-answer.ts";
import { StrangeAnswer } from "./classify-error.ts";
import { managersFrom } from "./managers-from-api.ts";

/** Our pod from the API's. */
export function podFrom(metadata: CheckedMetadata, { spec, status }: V1Pod): Pod {
  const statuses = [
    ...(status?.containerStatuses ?? []),
    ...(status?.initContainerStatuses ?? []),
    ...(status?.ephemeralContainerStatuses ?? []),
  ];
  const containers = [
    ...(spec?.containers ?? []),
    ...(spec?.initContainers ?? []),
    ...(spec?.ephemeralContainers ?? []),
  ];
  return {
    ...identityFrom(metadata),
    node: spec?.nodeName ?? null,
    hostNetwork: spec?.hostNetwork ?? false,
    mirror: Object.hasOwn(metadata.annotations ?? {}, "kubernetes.io/config.mirror"),
    priorityClass: spec?.priorityClassName ?? null,
    serviceAccount: spec?.serviceAccountName ?? null,
    phase: status?.phase ?? null,
    containers: containers.map((container) => containerFrom(container, statuses)),
  };
}

/** Our namespace from the API's. */
export function namespaceFrom({ name, uid, labels, annotations }: CheckedMetadata): Namespace {
  return { name, uid, labels: labels ?? {}, annotations: annotations ?? {} };
}

/** Our node from the API's. */
export function nodeFrom(metadata: CheckedMetadata, { spec, status }: V1Node): Node {
  const { name, uid, resourceVersion, labels, annotations, createdAt, managers } = identityFrom(metadata);
  return {
    name,
    uid,
    resourceVersion,
    labels,
    annotations,
    createdAt,
    managers,
    unschedulable: spec?.unschedulable ?? false,
    ready: status?.conditions?.find(({ type }) => type === "Ready")?.status === "True",
    operatingSystem: status?.nodeInfo?.operatingSystem ?? null,
    osImage: status?.nodeInfo?.osImage ?? null,
    providerId: spec?.providerID ?? null,
  };
}

/** What the specifications of all kinds of workloads have in common for us. */
export interface WorkloadSpec {
  replicas?: number;
  selector?: V1LabelSelector;
  template?: V1PodTemplateSpec;
  jobTemplate?: { spec?: { template?: V1PodTemplateSpec } };
  persistentVolumeClaimRetentionPolicy?: { whenScaled?: string };
}

/** Our workload from the API's, of whichever kind. */
export function workloadFrom(
  kind: WorkloadKind,
  metadata: CheckedMetadata,
  spec: WorkloadSpec = {},
): Workload {
  const template = spec.template ?? spec.jobTemplate?.spec?.template;
  const scalable = kind === "Deployment" || kind === "StatefulSet" || kind === "ReplicaSet";
  const deletesClaims = spec.persistentVolumeClaimRetentionPolicy?.whenScaled === "Delete";
  return {
    ...identityFrom(metadata),
    kind,
    // The API server writes its default of one; zero is there as zero.
    replicas: scalable ? (spec.replicas ?? 1) : null,
    selector: spec.selector === undefined ? null : selectorFrom(spec.selector),
    templateLabels: template?.metadata?.labels ?? {},
    priorityClass: template?.spec?.priorityClassName ?? null,
    claimsWhenScaled: kind !== "StatefulSet" ? null : deletesClaims ? "Delete" : "Retain",
  };
}

/** Our scale from the API's, in which zero pods are left out. */
export function scaleFrom({ uid, resourceVersion }: CheckedMetadata, { spec, status }: V1Scale): Scale {
  return { uid, resourceVersion, replicas: spec?.replicas ?? 0, present: status?.replicas ?? 0 };
}

/** Our network policy from the API's; `spec` is the specification in the words of the wire. */
export function policyFrom(
  metadata: CheckedMetadata,
  { spec: typed }: V1NetworkPolicy,
  spec: unknown,
): NetworkPolicy {
  const declared = typed?.policyTypes?.filter((type) => type === "Ingress" || type === "Egress") ?? [];
  const assumed = typed?.egress === undefined ? (["Ingress"] as const) : (["Ingress", "Egress"] as const);
  return {
    ...identityFrom(metadata),
    podSelector: selectorFrom(typed?.podSelector ?? {}),
    policyTypes: declared.length === 0 ? assumed : declared,
    spec,
  };
}

/** What every object has, from the API's metadata. */
export function identityFrom(metadata: CheckedMetadata): ObjectIdentity {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  return {
    namespace: metadata.namespace ?? "",
    name: metadata.name,
    uid: metadata.uid,
    resourceVersion: metadata.resourceVersion,
    labels: metadata.labels ?? {},
    annotations: metadata.annotations ?? {},
    createdAt: metadata.creationTimestamp.toISOString(),
    deleting: metadata.deletionTimestamp !== undefined,
    controller:
      owner === undefined
        ? null
        : { apiVersion: owner.apiVersion, kind: owner.kind, name: owner.name, uid: owner.uid },
    managers: managersFrom(metadata.managedFields),
  };
}

function containerFrom(
  { name, image }: Pick<V1Container, "name" | "image">,
  statuses: readonly V1ContainerStatus[],
): Container {
  const running = statuses.find((status) => status.name === name)?.imageID ?? "";
  // Without a repository before it, the digest is that of the image's configuration, which no reference can name.
  const digest = /@(sha\d+:[0-9a-f]+)$/.exec(running)?.[1] ?? null;
  return { name, image: image ?? "", digest };
}

function selectorFrom({ matchLabels, matchExpressions }: V1LabelSelector): LabelSelector {
  return {
    matchLabels: matchLabels ?? {},
    matchExpressions: (matchExpressions ?? []).map(({ key, operator, values }) => ({
      key,
      operator: operatorFrom(operator),
      values: values ?? [],
    })),
  };
}

function operatorFrom(operator: string): LabelExpression["operator"] {
  switch (operator) {
    case "In":
    case "NotIn":
    case "Exists":
    case "DoesNotExist":
      return operator;
    default:
      throw new StrangeAnswer(`A label selector has the unknown operator ${operator}.`);
  }
}
