import type { AlertReading } from "./alert-reading.ts";
import { firstText, type JsonObject, own } from "./json-value.ts";

/**
 * Reads a row of the Log Analytics table SecurityAlert, which Data Export may write to the same hub: other names,
 * lists as text, and Defender's own id under VendorOriginalId (SystemAlertId is Sentinel's there).
 */
export function readLogAnalyticsAlert(record: JsonObject): AlertReading {
  return {
    id: firstText(own(record, "VendorOriginalId"), own(record, "SystemAlertId")),
    alertType: own(record, "AlertType"),
    title: firstText(own(record, "DisplayName"), own(record, "AlertName")),
    severity: own(record, "AlertSeverity"),
    status: own(record, "Status"),
    intent: firstText(own(record, "Tactics"), own(record, "Intent")),
    compromisedEntity: own(record, "CompromisedEntity"),
    resourceId: firstText(own(record, "ResourceId"), own(record, "_ResourceId")),
    resourceIdentifiers: own(record, "ResourceIdentifiers"),
    entities: own(record, "Entities"),
    extendedProperties: own(record, "ExtendedProperties"),
    alertUri: firstText(own(record, "AlertLink"), own(record, "AlertUri")),
    startedAt: own(record, "StartTime"),
    endedAt: own(record, "EndTime"),
    generatedAt: own(record, "TimeGenerated"),
  };
}
