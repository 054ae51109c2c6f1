import type { Decoded, Signal } from "../../src/model/signal.ts";
import { decodeEvent } from "../../src/signals/index.ts";

/** ARM ids of our own for tests. */
export const SUBSCRIPTION = "/subscriptions/abcdef00-1111-4222-8333-444444444444";
export const CLUSTER = `${SUBSCRIPTION}/resourceGroups/rg-shop/providers/Microsoft.ContainerService/managedClusters/aks-shop`;
export const OTHER_CLUSTER = `${SUBSCRIPTION}/resourceGroups/rg-shop/providers/Microsoft.ContainerService/managedClusters/aks-other`;
export const DIGEST = `sha256:${"0123456789abcdef".repeat(4)}`;

type Json = Record<string, unknown>;

/** An alert in Event Hub form about the cluster; `over` replaces top-level fields. */
export function eventHubAlert(over: Json = {}): Json {
  return {
    AlertType: "K8S.NODE_Webshell",
    SystemAlertId: "2517000000000000001_0a0a0a0a-1111-4222-8333-000000000001",
    AlertDisplayName: "Possible web shell",
    Severity: "Medium",
    Status: "New",
    Intent: "Persistence, Exploitation",
    AzureResourceId: CLUSTER,
    CompromisedEntity: "aks-shop",
    StartTimeUtc: "2026-02-03T04:05:06.7890123Z",
    EndTimeUtc: "2026-02-03T04:05:09Z",
    TimeGenerated: "2026-02-03T04:09:00.5Z",
    Entities: [],
    ExtendedProperties: {},
    ResourceIdentifiers: [{ $id: "2", AzureResourceId: CLUSTER, Type: "AzureResource" }],
    AlertUri:
      "https://portal.azure.com/#blade/X/alertId/1/subscriptionId/abcdef00-1111-4222-8333-444444444444/resourceGroup/rg-shop/referencedFrom/alertDeepLink/location/northeurope",
    ...over,
  };
}

/** The whole chain from cluster to container, with the usual numbers of `$id`. */
export function chain(): Json[] {
  return [
    { $id: "4", ResourceId: CLUSTER, Type: "azure-resource", Asset: true },
    { $id: "5", ImageId: `registry.example.net/web@${DIGEST}`, Type: "container-image" },
    { $id: "6", CloudResource: { $ref: "4" }, Type: "K8s-cluster" },
    { $id: "7", Name: "shop", Cluster: { $ref: "6" }, Type: "K8s-namespace" },
    { $id: "8", Name: "web", Namespace: { $ref: "7" }, Type: "K8s-deployment" },
    { $id: "9", Name: "web-1", Namespace: { $ref: "7" }, Type: "K8s-pod" },
    { $id: "10", Name: "php", Image: { $ref: "5" }, Pod: { $ref: "9" }, Type: "container" },
  ];
}

/** The only Signal of a body; fails the test where there is another outcome. */
export function signalOf(body: unknown): Signal {
  const [only, ...more] = decodeEvent(body);
  if (only === undefined || more.length > 0 || !("signal" in only)) {
    throw new Error(`expected one signal, got ${more.length + 1} results: ${JSON.stringify(only)}`);
  }
  return only.signal;
}

/** The Signal of an alert with these entities and other fields. */
export function alertOf(entities: unknown, over: Json = {}): Signal {
  return signalOf(eventHubAlert({ Entities: entities, ...over }));
}

/** Reasons and texts of what was parked. */
export function parkedOf(results: readonly Decoded[]): { reason: string; text: string }[] {
  return results.flatMap((one) =>
    "parked" in one ? [{ reason: one.parked, text: Buffer.from(one.bytes).toString("utf8") }] : [],
  );
}

/** Every text in a body, also inside JSON that stands in text, found without recursion. */
function textsIn(body: unknown): string[] {
  const texts: string[] = [];
  const stack: unknown[] = [body];
  while (stack.length > 0) {
    const value = stack.pop();
    if (typeof value === "string") {
      texts.push(value);
      if (/^\s*[[{]/.test(value)) stack.push(parsedOrNull(value));
    } else if (typeof value === "object" && value !== null) {
      stack.push(...Object.values(value));
    }
  }
  return texts;
}

function parsedOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Ids, names, images, digests and addresses of a Signal that do not occur in its body. */
export function inventedIn(signal: Signal, body: unknown): string[] {
  const texts = textsIn(body);
  const lowered = texts.map((text) => text.toLowerCase());
  const said = [
    signal.id.startsWith("unknown:") ? null : signal.id,
    signal.key,
    signal.baseKey,
    signal.findingName,
    signal.title,
    signal.statusCause,
    signal.alertLocation,
    signal.compromisedEntity,
    signal.cluster?.resourceId ?? null,
    signal.namespace,
    signal.affectedNamespace,
    signal.workload?.name ?? null,
    signal.pod,
    signal.container,
    signal.image,
    signal.digest,
    signal.serviceAccount,
    signal.object?.namespace ?? null,
    signal.object?.name ?? null,
    signal.vulnerability?.cve ?? null,
    signal.vulnerability?.package ?? null,
    ...signal.tactics,
    ...signal.resourceIds,
    ...signal.attackerIps,
    ...signal.entities.map((entity) => entity.name),
  ];
  const folded = [
    signal.subscriptionId,
    ...(signal.resourceType?.split("/") ?? []),
    ...signal.entities.map((entity) => entity.type),
  ];
  return [
    ...said.filter((text) => text !== null && !texts.some((one) => one.includes(text))),
    ...folded.filter((text) => text !== null && !lowered.some((one) => one.includes(text))),
  ].map(String);
}
