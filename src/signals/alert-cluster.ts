import { type AlertContext, behind, doubtOf, ofType } from "./alert-context.ts";
import { ABSENT, type Answer, agree, answered, orElse } from "./answer.ts";
import { readArmId } from "./arm-id.ts";
import type { EntityIndex, EntityNode } from "./entity-index.ts";
import { textOf } from "./json-value.ts";

const fold = (text: string): string => text.toLowerCase();

/** The ARM id of a Kubernetes cluster in or above a resource id, as written. */
function clusterWithin(text: string | null): Answer {
  return answered(text === null ? null : (readArmId(text)?.cluster ?? null));
}

function clusterOfResource(resource: EntityNode): Answer {
  return clusterWithin(textOf(resource.fields.get("resourceId")));
}

function cloudOf(index: EntityIndex, cluster: EntityNode): Answer {
  // Clusters of other clouds point to resources of their own; Azure's name for them is in the identifiers.
  for (const type of ["gcp-resource", "aws-resource"]) {
    if (index.follow(cluster, "cloudResource", type).state === "found") return ABSENT;
  }
  return behind(index.follow(cluster, "cloudResource", "azure-resource"), clusterOfResource);
}

/**
 * The cluster of an alert as ARM id. The chain of entities and the alert's identifiers must agree; only where
 * neither says anything, azure-resource entities and then EffectiveAzureResourceId are asked.
 */
export function clusterOf({ index, identifiers, extended }: AlertContext): Answer {
  const direct = agree(
    [
      ...ofType(index, "k8s-namespace").map((node) => doubtOf(index.follow(node, "cluster", "k8s-cluster"))),
      ...ofType(index, "k8s-cluster").map((node) => cloudOf(index, node)),
      ...identifiers.map(clusterWithin),
    ],
    fold,
  );
  const byResource = orElse(direct, () =>
    agree(ofType(index, "azure-resource").map(clusterOfResource), fold),
  );
  return orElse(byResource, () => clusterWithin(extended.get("effectiveazureresourceid") ?? null));
}
