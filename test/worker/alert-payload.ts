import { CLUSTER } from "./function-app.ts";

/** An alert in Event Hub form about pod `shop/web-1`, as the bytes of an event. */
export function alertPayload(id: string, alertType: string): Uint8Array {
  const at = new Date().toISOString();
  const alert = {
    SystemAlertId: id,
    AlertType: alertType,
    AlertDisplayName: "Digital currency mining in a container",
    Severity: "High",
    Status: "New",
    Intent: "Execution",
    StartTimeUtc: at,
    EndTimeUtc: at,
    TimeGenerated: at,
    AzureResourceId: CLUSTER,
    ResourceIdentifiers: [{ $id: "2", AzureResourceId: CLUSTER, Type: "AzureResource" }],
    Entities: [
      { $id: "3", ResourceId: CLUSTER, Type: "azure-resource" },
      { $id: "4", CloudResource: { $ref: "3" }, Type: "K8s-cluster" },
      { $id: "5", Name: "shop", Cluster: { $ref: "4" }, Type: "K8s-namespace" },
      { $id: "6", Name: "web-1", Namespace: { $ref: "5" }, Type: "K8s-pod" },
    ],
    AlertUri: `https://portal.azure.com/#blade/alertId/${id}/subscriptionId/${CLUSTER.split("/")[2]}/location/westeurope`,
    ExtendedProperties: { note: "Ünïcödé ✓" },
  };
  return new TextEncoder().encode(JSON.stringify(alert));
}
