import { existsSync, readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CLUSTER, DIGEST, eventHubAlert, inventedIn, OTHER_CLUSTER, signalOf } from "./alert-builder.ts";

type Json = Record<string, unknown>;

const name = fc.constantFrom("shop", "web", "web-1", "a", "web-*", "system:serviceaccount:shop:bot", "");
const reference = fc.nat({ max: 14 }).map((id) => ({ $ref: String(id) }));

/** One entity with references that may dangle, be of the wrong type, or mean an `$id` that stands twice. */
const entity: fc.Arbitrary<Json> = fc.oneof(
  fc.record({
    Type: fc.constantFrom("K8s-pod", "K8s-deployment", "K8s-replicaset", "K8s-serviceaccount"),
    Name: name,
    Namespace: reference,
  }),
  fc.record(
    { Type: fc.constant("K8s-namespace"), Name: name, Cluster: reference },
    { requiredKeys: ["Type", "Name"] },
  ),
  fc.record({ Type: fc.constant("K8s-cluster"), CloudResource: reference }),
  fc.record({
    Type: fc.constant("azure-resource"),
    ResourceId: fc.constantFrom(CLUSTER, OTHER_CLUSTER, "x"),
    Asset: fc.boolean(),
  }),
  fc.record(
    { Type: fc.constant("container"), Name: name, Image: reference, Pod: reference },
    { requiredKeys: ["Type"] },
  ),
  fc.record({
    Type: fc.constant("container-image"),
    ImageId: fc.constantFrom("a:1", `r.example/b@${DIGEST}`),
  }),
  fc.record({
    Type: fc.constant("ip"),
    Address: fc.oneof(fc.ipV4(), fc.constant("00.0.0.0")),
    OSFamily: fc.string(),
  }),
);

const alert: fc.Arbitrary<Json> = fc
  .record({
    entities: fc.array(fc.tuple(fc.option(fc.nat({ max: 14 }), { nil: undefined }), entity), {
      maxLength: 12,
    }),
    extended: fc.record(
      {
        Namespace: name,
        "Object kind": fc.constantFrom("Pod", "Job"),
        "Object name": name,
        "Attacker IP": fc.ipV4(),
      },
      { requiredKeys: [] },
    ),
    AlertType: fc.constantFrom("K8S_X", "SIMULATED_K8S_X"),
    AzureResourceId: fc.constantFrom(CLUSTER, CLUSTER.toUpperCase(), null),
  })
  .map(({ entities, extended, AlertType, AzureResourceId }) =>
    eventHubAlert({
      AlertType,
      AzureResourceId,
      ResourceIdentifiers:
        AzureResourceId === null ? [] : [{ $id: "2", AzureResourceId, Type: "AzureResource" }],
      ExtendedProperties: extended,
      Entities: entities.map(([id, fields]) => (id === undefined ? fields : { $id: String(id), ...fields })),
    }),
  );

/** Keys of the ARM form for those that generated entities use. */
const ARM_KEYS: Readonly<Record<string, string>> = { OSFamily: "osFamily", $id: "$id", $ref: "$ref" };

function armKey(key: string): string {
  return ARM_KEYS[key] ?? key.charAt(0).toLowerCase() + key.slice(1);
}

/** The same value with the keys of the ARM form and `$id`s that the location stands in front of. */
function inArmCasing(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inArmCasing);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) =>
      key.startsWith("$") ? [key, `westeurope_${String(inner)}`] : [armKey(key), inArmCasing(inner)],
    ),
  );
}

function toArm(eventHub: Json): Json {
  const { Status: _status, AzureResourceId: _resource, TimeGenerated, ...rest } = eventHub;
  const properties = { ...(inArmCasing(rest) as Json), status: "Active", timeGeneratedUtc: TimeGenerated };
  return {
    id: "/subscriptions/s/x",
    name: eventHub.SystemAlertId,
    type: "Microsoft.Security/Locations/alerts",
    properties,
  };
}

describe("generated alerts", () => {
  it("mean the same in both casings", () => {
    fc.assert(
      fc.property(alert, (record) => {
        expect(signalOf(toArm(record))).toEqual(signalOf(record));
      }),
      { numRuns: 300 },
    );
  });

  it("give Signals in which nothing is invented", () => {
    fc.assert(
      fc.property(alert, (record) => {
        expect(inventedIn(signalOf(record), record)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it("are never actionable with a pattern for a name, nor with two pods", () => {
    fc.assert(
      fc.property(alert, (record) => {
        const signal = signalOf(record);
        for (const text of [signal.pod, signal.namespace, signal.workload?.name])
          expect(text ?? "").not.toContain("*");
        const pods = new Set(
          signal.entities.filter((one) => one.type === "k8s-pod" && one.name).map((one) => one.name),
        );
        if (pods.size > 1) expect(signal).toMatchObject({ pod: null, actionable: false });
      }),
      { numRuns: 300 },
    );
  });
});

/** Alerts that stand in both casings: our own fixtures always, the published samples where they are present. */
const FOLDERS = [
  new URL("../fixtures/signals/", import.meta.url),
  new URL("../../../shared/samples/alerts/", import.meta.url),
];

describe("alerts that are there in both casings", () => {
  for (const folder of FOLDERS) {
    if (!existsSync(folder)) {
      console.log(
        `skipped: no published samples at ../shared/samples/alerts, so their pairs were not compared`,
      );
      continue;
    }
    const stems = readdirSync(folder)
      .filter((file) => file.endsWith(".arm.json"))
      .map((file) => file.slice(0, -".arm.json".length));
    for (const stem of stems.filter((one) => existsSync(new URL(`${one}.eventhub.json`, folder)))) {
      it(`give equal Signals for ${stem}`, () => {
        const read = (form: string) => signalOf(readFileSync(new URL(`${stem}.${form}.json`, folder)));
        expect(read("arm")).toEqual(read("eventhub"));
      });
    }
  }
});
