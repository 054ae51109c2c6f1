import { createHash } from "node:crypto";
import type { OtherKind, Signal } from "../model/signal.ts";
import { judged } from "./actionability.ts";
import { distinctArmIds, readArmId } from "./arm-id.ts";
import { readEnrichment } from "./enrichment.ts";
import { isoTime } from "./iso-time.ts";
import { either, firstText, type JsonObject, listOf, own, textOf } from "./json-value.ts";
import { NO_KUBERNETES } from "./kubernetes-facts.ts";

/** A stable id for a record that has none: equal records get equal ids. */
function derivedId(record: JsonObject): string {
  return `unknown:${createHash("sha256").update(JSON.stringify(record)).digest("hex")}`;
}

interface OtherFacts {
  readonly id: string | null;
  readonly title: string | null;
  readonly status: string | null;
  readonly resourceIds: readonly string[];
  readonly generatedAt: string | null;
}

/** Alerts of Azure Monitor: the common schema, or the older one around an activity log record. */
function monitorFacts(record: JsonObject): OtherFacts {
  const data = own(record, "data");
  const essentials = own(data, "essentials");
  const activity = own(own(data, "context"), "activityLog");
  const targets = listOf(own(essentials, "alertTargetIDs")).map(textOf);
  return {
    id: firstText(own(essentials, "alertId"), own(activity, "eventDataId"), own(activity, "correlationId")),
    title: firstText(own(essentials, "alertRule"), own(activity, "operationName")),
    status: firstText(own(essentials, "monitorCondition"), own(data, "status")),
    resourceIds: distinctArmIds([...targets, textOf(own(activity, "resourceId"))]),
    generatedAt: isoTime(own(essentials, "firedDateTime") ?? own(activity, "eventTimestamp")),
  };
}

function exportedFacts(record: JsonObject): OtherFacts {
  const properties = either(record, "properties");
  return {
    id: firstText(own(record, "SystemAlertId"), own(record, "id"), own(record, "Id"), either(record, "name")),
    title: firstText(either(properties, "displayName"), either(properties, "description")),
    status: textOf(either(properties, "state")),
    resourceIds: [],
    generatedAt: null,
  };
}

/** Reads a record that is counted and kept but never acted upon: scores, compliance, attack paths, the unknown. */
export function otherSignal(record: JsonObject, otherKind: OtherKind): Signal {
  const facts = otherKind === "activityLogAlert" ? monitorFacts(record) : exportedFacts(record);
  const main = readArmId(facts.resourceIds[0] ?? facts.id ?? "");
  const signal = {
    kind: "other" as const,
    otherKind,
    id: facts.id ?? derivedId(record),
    key: null,
    baseKey: null,
    findingName: null,
    title: facts.title,
    severity: null,
    status: facts.status,
    statusCause: null,
    ...readEnrichment(record),
    isSample: false,
    tactics: [],
    resourceIds: facts.resourceIds,
    resourceType: facts.resourceIds.length > 0 ? (main?.type ?? null) : null,
    subscriptionId: main?.subscriptionId ?? null,
    alertLocation: null,
    alertResourceGroup: null,
    compromisedEntity: null,
    ...NO_KUBERNETES,
    attackerIps: [],
    entities: [],
    vulnerability: null,
    times: { startedAt: null, endedAt: null, generatedAt: facts.generatedAt, statusChangedAt: null },
  };
  return judged(signal, new Set());
}
