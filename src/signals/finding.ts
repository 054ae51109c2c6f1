import type { Signal } from "../model/signal.ts";
import { judged } from "./actionability.ts";
import type { Doubt } from "./answer.ts";
import { readArmId, readAssessmentId } from "./arm-id.ts";
import { containerDetail, detailLevels } from "./container-detail.ts";
import { readEnrichment } from "./enrichment.ts";
import { isoTime } from "./iso-time.ts";
import { either, eitherPath, firstText, type JsonObject, textOf } from "./json-value.ts";
import { assessedResources } from "./recommendation.ts";
import { severityOf } from "./severity.ts";
import { findingVulnerability } from "./vulnerability.ts";

/**
 * Reads a finding (sub-assessment), camelCase or Newtonsoft's PascalCase; null where it has no id. What it is about
 * may be a child of the scope in its id (a database under a server), or no ARM id at all (an image in a registry).
 */
export function findingSignal(record: JsonObject): Signal | null {
  const id = textOf(either(record, "id"));
  if (id === null) return null;
  const doubts = new Set<Doubt>();
  const properties = either(record, "properties");
  const status = either(properties, "status");
  const parsed = readAssessmentId(id);
  const key = parsed?.key ?? null;
  const resourceIds = assessedResources(properties, parsed?.scope ?? null);
  const main = readArmId(resourceIds[0] ?? id);
  const levels = detailLevels(properties);
  const resourceText = textOf(eitherPath(properties, "resourceDetails", "id"));
  const signal = {
    kind: "finding" as const,
    otherKind: null,
    id,
    key,
    baseKey: key,
    findingName: firstText(either(properties, "id"), either(record, "name")),
    title: textOf(either(properties, "displayName")),
    severity: severityOf(either(status, "severity")),
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
    ...containerDetail(levels, resourceIds, resourceText, doubts),
    attackerIps: [],
    entities: [],
    vulnerability: findingVulnerability(properties, levels),
    times: {
      startedAt: null,
      endedAt: null,
      generatedAt: isoTime(either(properties, "timeGenerated")),
      statusChangedAt: isoTime(either(status, "statusChangeDate")),
    },
  };
  return judged(signal, doubts);
}
