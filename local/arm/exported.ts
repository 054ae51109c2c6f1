import { decodeEvent } from "../../src/signals/index.ts";
import { camel, camelCased, field, isJson, type Json, textField } from "./json.ts";

/** A document of Resource Manager under its id, and whether it has gone. */
export interface ArmDocument {
  readonly id: string;
  readonly document: Json;
  readonly deleted: boolean;
}

/** Fields of an exported alert that Resource Manager names otherwise. */
const RENAMED: Readonly<Record<string, string>> = {
  TimeGenerated: "timeGeneratedUtc",
  ProcessingEndTime: "processingEndTimeUtc",
};
/** What only the export has, or what is put elsewhere. */
const EXPORT_ONLY = /^(?:AzureResource|Workspace|AgentId|Provider|Confidence|Reported|Status$)/;

/**
 * The documents that Resource Manager would show for what continuous export published in this body: alerts in the form
 * of Event Hubs or of the API, recommendations and findings in both casings. Other records give nothing.
 */
export function documentsOf(body: string | Uint8Array): ArmDocument[] {
  return decodeEvent(body).flatMap((decoded) => {
    if (!("signal" in decoded) || !isJson(decoded.body)) return [];
    const { kind, subscriptionId, alertLocation, alertResourceGroup, action } = decoded.signal;
    if (kind === "recommendation" || kind === "finding") {
      return [assessment(decoded.body, action === "Delete")];
    }
    if (kind !== "alert" || alertLocation === null) return [];
    const group = alertResourceGroup === null ? "" : `/resourceGroups/${alertResourceGroup}`;
    const place = `/subscriptions/${subscriptionId}${group}/providers/Microsoft.Security/locations/${alertLocation}`;
    return alert(decoded.body, place);
  });
}

function alert(body: Json, place: string): ArmDocument[] {
  const isApi = isJson(body["properties"]);
  const properties = isApi ? body["properties"] : alertProperties(body);
  const name = textField(properties, "systemAlertId");
  // A row of Log Analytics names the alert otherwise, and is another system's copy.
  if (name === "") return [];
  const id = `${place}/alerts/${name}`;
  const type = "Microsoft.Security/Locations/alerts";
  return [{ id, document: { id, name, type, properties }, deleted: false }];
}

function alertProperties(body: Json): Json {
  const kept = Object.entries(body).filter(([name, value]) => !EXPORT_ONLY.test(name) && value !== null);
  const properties = Object.fromEntries(
    kept.map(([name, value]) => [
      RENAMED[name] ?? camel(name),
      name === "Entities" || name === "ResourceIdentifiers" || name === "ExtendedProperties"
        ? camelCased(value)
        : value,
    ]),
  );
  const status = textField(body, "Status");
  return { ...properties, status: status === "New" ? "Active" : status };
}

function assessment(body: Json, deleted: boolean): ArmDocument {
  const record = withoutTypes(camelCased(body));
  const id = textField(record, "id");
  const name = textField(record, "name") || (id.split("/").at(-1) ?? "");
  const document = { id, name, type: textField(record, "type"), properties: field(record, "properties") };
  return { id, document, deleted };
}

/** Without the names of types that one casing of the export has at every object. */
function withoutTypes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutTypes);
  if (!isJson(value)) return value;
  const kept = Object.entries(value).filter(([name]) => name !== "$type");
  return Object.fromEntries(kept.map(([name, inner]) => [name, withoutTypes(inner)]));
}
