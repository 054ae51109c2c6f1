import type { AlertReading } from "./alert-reading.ts";
import { firstText, type JsonObject, own } from "./json-value.ts";

/**
 * Reads an alert as the ARM API gives it: camelCase inside `properties`. Where the record's id and its
 * systemAlertId disagree the latter counts, since that is what Event Hubs and the status calls name.
 */
export function readArmAlert(record: JsonObject): AlertReading {
  const properties = own(record, "properties");
  return {
    id: firstText(own(properties, "systemAlertId"), own(record, "name")),
    alertType: own(properties, "alertType"),
    title: own(properties, "alertDisplayName"),
    severity: own(properties, "severity"),
    status: own(properties, "status"),
    intent: own(properties, "intent"),
    compromisedEntity: own(properties, "compromisedEntity"),
    resourceId: null,
    resourceIdentifiers: own(properties, "resourceIdentifiers"),
    entities: own(properties, "entities"),
    extendedProperties: own(properties, "extendedProperties"),
    // The location is in both, once as /location/ and once as /locations/.
    alertUri: firstText(own(properties, "alertUri"), own(record, "id")),
    startedAt: own(properties, "startTimeUtc"),
    endedAt: own(properties, "endTimeUtc"),
    generatedAt: own(properties, "timeGeneratedUtc"),
  };
}
