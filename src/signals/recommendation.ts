import type { Signal } from "../model/signal.ts";
import { judged } from "./actionability.ts";
import type { Doubt } from "./answer.ts";
import { distinctArmIds, readArmId, readAssessmentId } from "./arm-id.ts";
import { containerDetail, detailLevels } from "./container-detail.ts";
import { readEnrichment } from "./enrichment.ts";
import { isoTime } from "./iso-time.ts";
import { either, eitherPath, firstText, type JsonObject, textOf } from "./json-value.ts";
import { severityOf } from "./severity.ts";
import { listedVulnerability } from "./vulnerability.ts";

/** Ids of the resource that an assessment or finding is about, most direct one first. */
export function assessedResources(properties: unknown, scope: string | null): string[] {
  return distinctArmIds([
    textOf(eitherPath(properties, "resourceDetails", "id")),
    textOf(eitherPath(properties, "resourceDetails", "nativeResourceId")),
    scope,
  ]);
}

/** Reads a recommendation (`Microsoft.Security/assessments`), in both casings; null where it has no id. */
export function recommendationSignal(record: JsonObject): Signal | null {
  const id = textOf(either(record, "id"));
  if (id === null) return null;
  const doubts = new Set<Doubt>();
  const properties = either(record, "properties");
  const status = either(properties, "status");
  const parsed = readAssessmentId(id);
  const key = firstText(either(record, "name"), parsed?.key);
  const resourceIds = assessedResources(properties, parsed?.scope ?? null);
  const main = readArmId(resourceIds[0] ?? id);
  const levels = detailLevels(properties);
  const signal = {
    kind: "recommendation" as const,
    otherKind: null,
    id,
    key,
    baseKey: key,
    findingName: null,
    title: firstText(either(properties, "displayName"), eitherPath(properties, "metadata", "displayName")),
    severity: severityOf(eitherPath(properties, "metadata", "severity")),
    status: textOf(either(status, "code")),
    statusCause: textOf(either(status, "cause")),
    ...readEnrichment(record),
    isSample: false,
    tactics: [],
    resourceIds,
    resourceType: resourceIds.length > 0 ? (main?.type ?? null) : null,
    subscriptionId: main?.subscriptionId ?? null,
    alertLocation: null,
    alertResourceGroup: null,
    compromisedEntity: textOf(eitherPath(properties, "resourceDetails", "resourceName")),
    ...containerDetail(levels, resourceIds, null, doubts),
    attackerIps: [],
    entities: [],
    vulnerability: listedVulnerability(levels),
    times: {
      startedAt: null,
      endedAt: null,
      generatedAt: null,
      statusChangedAt: isoTime(either(status, "statusChangeDate")),
    },
  };
  return judged(signal, doubts);
}
