import type { Signal } from "../model/signal.ts";
import { judged } from "./actionability.ts";
import { type AlertContext, foldedTexts, ofType } from "./alert-context.ts";
import { resolveKubernetes } from "./alert-kubernetes.ts";
import type { AlertReading } from "./alert-reading.ts";
import type { Doubt } from "./answer.ts";
import { distinctArmIds, isResourceId, readArmId } from "./arm-id.ts";
import { attackerIps } from "./attacker-ips.ts";
import { indexEntities } from "./entity-index.ts";
import { listEntities } from "./entity-list.ts";
import { isoTime } from "./iso-time.ts";
import { listOf, own, textOf, unfoldedText } from "./json-value.ts";
import { severityOf } from "./severity.ts";

const SAMPLE_TYPE = /^SIMULATED_/i;
/** The last one in the link: a resource group may be called "location" too. */
const LOCATION = /^.*\/locations?\/([a-z0-9]+)/is;
/** The first one in the link: the alert id before it has no slashes. */
const RESOURCE_GROUP = /\/resourceGroups?\/([\p{L}\p{N}_.()-]{1,90})(?:[/?#]|$)/iu;
const SAMPLE_TITLE = /^\s*\[SAMPLE ALERT\]/i;

function identifiersOf(resourceId: unknown, identifiers: unknown): string[] {
  const listed = listOf(identifiers).map(
    (one) => textOf(own(one, "AzureResourceId")) ?? textOf(own(one, "azureResourceId")),
  );
  return distinctArmIds([textOf(resourceId), ...listed]);
}

/**
 * The alert's ARM ids, main one first. Where the identifiers name no resource (only a subscription), a resource that
 * the entities name alone is the main one; several are a doubt.
 */
function resourcesOf({ index, identifiers, extended }: AlertContext, doubts: Set<Doubt>): string[] {
  const entities = ofType(index, "azure-resource").map((node) => textOf(node.fields.get("resourceId")));
  const named = distinctArmIds([...identifiers, ...entities]);
  const effective = extended.get("effectiveazureresourceid") ?? null;
  const all = named.some(isResourceId) ? named : distinctArmIds([...named, effective]);
  if (identifiers.some(isResourceId)) return byResourceFirst(all);
  if (all.filter(isResourceId).length > 1) {
    doubts.add("ambiguous");
    return all;
  }
  return byResourceFirst(all);
}

function byResourceFirst(ids: readonly string[]): string[] {
  const main = ids.find(isResourceId);
  return main === undefined ? [...ids] : [main, ...ids.filter((id) => id !== main)];
}

function tacticsOf(intent: unknown): string[] {
  const parts = (textOf(intent) ?? "").split(",").map((part) => part.trim());
  return parts.filter((part) => part !== "");
}

/** Event Hubs say `New` for what ARM calls `Active`. */
function statusOf(value: unknown): string | null {
  const text = textOf(value);
  return text !== null && /^(?:new|active)$/i.test(text.trim()) ? "Active" : text;
}

/** Turns what a wire shape says into a Signal; null where it has no id. */
export function alertSignal(reading: AlertReading): Signal | null {
  if (reading.id === null) return null;
  const doubts = new Set<Doubt>();
  const identifiers = unfoldedText(reading.resourceIdentifiers);
  const context: AlertContext = {
    index: indexEntities(unfoldedText(reading.entities), identifiers),
    identifiers: identifiersOf(reading.resourceId, identifiers),
    extended: foldedTexts(unfoldedText(reading.extendedProperties)),
  };
  const key = textOf(reading.alertType);
  const title = textOf(reading.title);
  const uri = textOf(reading.alertUri) ?? "";
  const resourceIds = resourcesOf(context, doubts);
  const main = readArmId(resourceIds[0] ?? "");
  const signal = {
    kind: "alert" as const,
    otherKind: null,
    id: reading.id,
    key,
    baseKey: key?.replace(SAMPLE_TYPE, "") ?? null,
    findingName: null,
    title,
    severity: severityOf(reading.severity),
    status: statusOf(reading.status),
    statusCause: null,
    action: null,
    isSample: SAMPLE_TYPE.test(key ?? "") || SAMPLE_TITLE.test(title ?? ""),
    isSnapshot: false,
    tactics: tacticsOf(reading.intent),
    resourceIds,
    resourceType: main?.type ?? null,
    subscriptionId:
      main?.subscriptionId ?? /\/subscription(?:s|Id)\/([^/\s]+)/i.exec(uri)?.[1]?.toLowerCase() ?? null,
    alertLocation: LOCATION.exec(uri)?.[1] ?? null,
    alertResourceGroup: RESOURCE_GROUP.exec(uri)?.[1] ?? null,
    compromisedEntity: textOf(reading.compromisedEntity),
    ...resolveKubernetes(context, doubts),
    attackerIps: attackerIps(context),
    entities: listEntities(context.index.nodes),
    vulnerability: null,
    times: {
      startedAt: isoTime(reading.startedAt),
      endedAt: isoTime(reading.endedAt),
      generatedAt: isoTime(reading.generatedAt),
      statusChangedAt: null,
    },
  };
  return judged(signal, doubts);
}
