import { firstText, type JsonObject, own } from "./json-value.ts";

/** What a record is, by its shape alone. */
export type RecordKind =
  | "alertEventHub"
  | "alertArm"
  | "alertLogAnalytics"
  | "recommendation"
  | "finding"
  | "secureScore"
  | "secureScoreControl"
  | "regulatoryCompliance"
  | "attackPath"
  | "activityLogAlert"
  | "unknown";

/** True for a row of the SecurityAlert table: an alert whose fields have the table's names. */
function isTableRow(record: JsonObject): boolean {
  return own(record, "Severity") === undefined && own(record, "AlertSeverity") !== undefined;
}

function kindWithoutType(record: JsonObject): RecordKind {
  if (firstText(own(record, "AlertType")) !== null && firstText(own(record, "SystemAlertId")) !== null) {
    return isTableRow(record) ? "alertLogAnalytics" : "alertEventHub";
  }
  const data = own(record, "data");
  const isMonitorAlert =
    own(record, "schemaId") === "azureMonitorCommonAlertSchema" ||
    own(own(data, "context"), "activityLog") !== undefined;
  return isMonitorAlert ? "activityLogAlert" : "unknown";
}

/**
 * The kind of a record by its type and, where it has none, by its fields; the order matters, since the type of a
 * finding contains that of a recommendation and a compliance record's ends like one. Never by words in its text.
 */
export function recordKind(record: JsonObject): RecordKind {
  const type = firstText(own(record, "Type"), own(record, "type"))?.toLowerCase();
  if (type === undefined) return kindWithoutType(record);
  if (type.endsWith("/assessments/subassessments")) return "finding";
  if (type === "microsoft.security/assessments") return "recommendation";
  if (type.includes("/regulatorycompliance")) return "regulatoryCompliance";
  if (type.startsWith("microsoft.security/securescores")) {
    return type.includes("/securescorecontrols") ? "secureScoreControl" : "secureScore";
  }
  if (type === "microsoft.security/locations/alerts") return "alertArm";
  if (type === "securityalert") return "alertLogAnalytics";
  return type.includes("attackpaths") ? "attackPath" : "unknown";
}
