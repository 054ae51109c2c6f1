import type { AlertReading } from "./alert-reading.ts";
import { firstText, type JsonObject, own } from "./json-value.ts";

/** Reads an alert as continuous export writes it to Event Hubs: flat and PascalCase. */
export function readEventHubAlert(record: JsonObject): AlertReading {
  return {
    id: firstText(own(record, "SystemAlertId")),
    alertType: own(record, "AlertType"),
    title: own(record, "AlertDisplayName"),
    severity: own(record, "Severity"),
    status: own(record, "Status"),
    intent: own(record, "Intent"),
    compromisedEntity: own(record, "CompromisedEntity"),
    resourceId: own(record, "AzureResourceId"),
    resourceIdentifiers: own(record, "ResourceIdentifiers"),
    entities: own(record, "Entities"),
    extendedProperties: own(record, "ExtendedProperties"),
    alertUri: own(record, "AlertUri"),
    startedAt: own(record, "StartTimeUtc"),
    endedAt: own(record, "EndTimeUtc"),
    generatedAt: own(record, "TimeGenerated"),
  };
}
