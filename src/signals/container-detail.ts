import { type Answer, agree, answered, type Doubt, settle, settleDetail } from "./answer.ts";
import { readArmId } from "./arm-id.ts";
import { digestOf, digestWithin } from "./image-reference.ts";
import { eitherPath, firstText, textOf, unfoldedText } from "./json-value.ts";
import { type KubernetesFacts, workloadKind } from "./kubernetes-facts.ts";

/** Objects that may hold a record's detail: sources disagree whether it is in additionalData or in its `data`. */
export function detailLevels(properties: unknown): readonly unknown[] {
  const outer = unfoldedText(eitherPath(properties, "additionalData"));
  return [outer, unfoldedText(eitherPath(outer, "data"))];
}

/** The first value that one of the levels has under a path; JSON written as text on the way is read. */
export function detail(levels: readonly unknown[], ...path: readonly string[]): unknown {
  for (const level of levels) {
    let value = level;
    for (const name of path) value = eitherPath(unfoldedText(value), name);
    if (value !== undefined && value !== null) return value;
  }
  return undefined;
}

/** The cluster that a record names: in its detail, or as (part of) the resource it is about; they must agree. */
function clusterOf(levels: readonly unknown[], resourceIds: readonly string[]): Answer {
  const named = [
    textOf(detail(levels, "k8sClusterId")),
    textOf(detail(levels, "aggregateServerResourceMetadata", "managedAggregateResourceId")),
    ...resourceIds,
  ];
  return agree(
    named.map((id) => answered(id === null ? null : (readArmId(id)?.cluster ?? null))),
    (id) => id.toLowerCase(),
  );
}

function imageOf(levels: readonly unknown[], resourceText: string | null): { image: Answer; digest: Answer } {
  const image = firstText(
    detail(levels, "imageUri"),
    detail(levels, "artifactDetails", "repositoryName"),
    detail(levels, "repositoryName"),
    detail(levels, "repo"),
  );
  const digests = [
    digestWithin(image),
    digestOf(textOf(detail(levels, "digest"))),
    digestOf(textOf(detail(levels, "artifactDetails", "digest"))),
    digestOf(textOf(detail(levels, "imageDigest"))),
    digestWithin(resourceText),
  ];
  return { image: answered(image), digest: agree(digests.map(answered)) };
}

/**
 * What the detail of a recommendation or finding says about Kubernetes and images. Names with `*` are patterns,
 * not objects. An image is the reference as written; where a registry and a repository stand apart, the repository.
 */
export function containerDetail(
  levels: readonly unknown[],
  resourceIds: readonly string[],
  resourceText: string | null,
  doubts: Set<Doubt>,
): KubernetesFacts {
  const text = (name: string): string | null => settle(answered(textOf(detail(levels, name))), doubts);
  const cluster = settle(clusterOf(levels, resourceIds), doubts);
  const kind = workloadKind(textOf(detail(levels, "controllerType")));
  const controller = text("controllerName");
  const { image, digest } = imageOf(levels, resourceText);
  return {
    cluster: cluster === null ? null : { resourceId: cluster },
    namespace: text("namespace"),
    affectedNamespace: null,
    workload: kind === null || controller === null ? null : { kind, name: controller },
    pod: text("podName"),
    container: text("containerName"),
    image: settleDetail(image, doubts),
    digest: settleDetail(digest, doubts),
    serviceAccount: null,
    object: null,
  };
}
