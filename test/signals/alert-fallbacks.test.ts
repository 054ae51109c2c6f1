import { describe, expect, it } from "vitest";
import { alertOf, CLUSTER, eventHubAlert, OTHER_CLUSTER, SUBSCRIPTION, signalOf } from "./alert-builder.ts";

type Json = Record<string, unknown>;
const SUBSCRIPTION_ID = SUBSCRIPTION.split("/")[2];
const STORAGE = `${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/s1`;

describe("a row of the SecurityAlert table", () => {
  const row = (over: Json = {}): Json => ({
    Type: "SecurityAlert",
    SystemAlertId: "sentinel-1",
    AlertType: "X",
    AlertSeverity: "High",
    Status: "New",
    ...over,
  });

  it("has Sentinel's id where it has none of the vendor, and is unknown without any", () => {
    expect(signalOf(row()).id).toBe("sentinel-1");
    expect(signalOf(row({ VendorOriginalId: "defender-1" })).id).toBe("defender-1");
    expect(signalOf(row({ SystemAlertId: null, a: 1 }))).toMatchObject({
      kind: "other",
      otherKind: "unknown",
    });
  });

  it("has the display name as title, else the alert's name", () => {
    expect(signalOf(row({ DisplayName: "shown", AlertName: "named" })).title).toBe("shown");
    expect(signalOf(row({ AlertName: "named" })).title).toBe("named");
  });

  it("has its tactics in Tactics, else in Intent", () => {
    expect(signalOf(row({ Tactics: "Impact", Intent: "Execution" })).tactics).toEqual(["Impact"]);
    expect(signalOf(row({ Intent: "Execution" })).tactics).toEqual(["Execution"]);
  });

  it("is about ResourceId, else about _ResourceId, and then about its identifiers", () => {
    expect(signalOf(row({ ResourceId: CLUSTER, _ResourceId: STORAGE })).resourceIds).toEqual([CLUSTER]);
    expect(signalOf(row({ _ResourceId: STORAGE })).resourceIds).toEqual([STORAGE]);
    const ResourceIdentifiers = JSON.stringify([{ AzureResourceId: OTHER_CLUSTER, Type: "AzureResource" }]);
    expect(signalOf(row({ ResourceId: STORAGE, ResourceIdentifiers })).resourceIds).toEqual([
      STORAGE,
      OTHER_CLUSTER,
    ]);
  });

  it("has ExtendedProperties written as text", () => {
    const ExtendedProperties = JSON.stringify({ Namespace: "shop" });
    expect(signalOf(row({ ExtendedProperties })).namespace).toBe("shop");
  });

  it("has its location in AlertLink, else in AlertUri", () => {
    const link = (place: string): string => `https://portal.example/alertId/1/location/${place}`;
    expect(signalOf(row({ AlertLink: link("eastus"), AlertUri: link("westus") })).alertLocation).toBe(
      "eastus",
    );
    expect(signalOf(row({ AlertUri: link("westus") })).alertLocation).toBe("westus");
  });

  it("is told from an Event Hub alert by AlertSeverity in place of Severity, not beside it", () => {
    const untyped = row({ Type: undefined, VendorOriginalId: "defender-1" });
    expect(signalOf(untyped).id).toBe("defender-1");
    expect(signalOf({ ...untyped, Severity: "Low" })).toMatchObject({ id: "sentinel-1", severity: "Low" });
    expect(signalOf({ ...untyped, AlertSeverity: undefined })).toMatchObject({
      id: "sentinel-1",
      severity: null,
    });
  });
});

describe("the status of an alert", () => {
  it("is Active for the whole words only, blanks around them aside", () => {
    expect(alertOf([], { Status: " New " }).status).toBe("Active");
    expect(alertOf([], { Status: "Inactive" })).toMatchObject({ status: "Inactive", actionable: false });
    expect(alertOf([], { Status: "Newer" }).status).toBe("Newer");
  });
});

describe("texts of an alert", () => {
  it("that are blank say nothing", () => {
    expect(alertOf([], { AlertDisplayName: " \t", CompromisedEntity: "" })).toMatchObject({
      title: null,
      compromisedEntity: null,
    });
  });

  it("that should hold lists and are empty hold none", () => {
    for (const empty of ["", " "]) {
      const over = { ResourceIdentifiers: empty, ExtendedProperties: empty };
      expect(alertOf(empty, over)).toMatchObject({ entities: [], resourceIds: [CLUSTER], actionable: true });
    }
  });

  it("that hold JSON may nest as deep as a record may", () => {
    const deep = (depth: number): string => `[{"Type":"ip","a":${"[".repeat(depth)}${"]".repeat(depth)}}]`;
    expect(alertOf(deep(1_998)).entities).toHaveLength(1);
    expect(alertOf(deep(1_999)).entities).toEqual([]);
  });
});

describe("the resources of an alert", () => {
  it("are in its identifiers alone where it has no AzureResourceId", () => {
    const ResourceIdentifiers = [{ AzureResourceId: STORAGE, Type: "AzureResource" }];
    expect(alertOf([], { AzureResourceId: undefined, ResourceIdentifiers }).resourceIds).toEqual([STORAGE]);
  });

  it("are clear where one of several identifiers names a resource, whatever the entities list", () => {
    const ResourceIdentifiers = [{ AzureResourceId: STORAGE, Type: "AzureResource" }];
    const entities = [{ ResourceId: CLUSTER, Type: "azure-resource" }];
    expect(alertOf(entities, { AzureResourceId: SUBSCRIPTION, ResourceIdentifiers })).toMatchObject({
      resourceIds: [STORAGE, SUBSCRIPTION, CLUSTER],
      notActionable: null,
    });
  });

  const idsOf = (id: string) => {
    const { resourceIds, resourceType, cluster } = alertOf([], {
      AzureResourceId: id,
      ResourceIdentifiers: [],
    });
    return { resourceIds, resourceType, cluster };
  };

  it("may end in a slash", () => {
    expect(idsOf(`${CLUSTER}/`)).toEqual({
      resourceIds: [`${CLUSTER}/`],
      resourceType: "microsoft.containerservice/managedclusters",
      cluster: { resourceId: CLUSTER },
    });
  });

  it("are no links, no ids with an empty or blank part, and no relative paths", () => {
    for (const no of [
      `https://management.example${CLUSTER}`,
      `management.example${CLUSTER}`,
      `${SUBSCRIPTION}//providers/Microsoft.Storage/storageAccounts/s1`,
      `${SUBSCRIPTION}/resourceGroups/ /providers/Microsoft.Storage/storageAccounts/s1`,
      `${CLUSTER}//`,
      CLUSTER.slice(1),
    ]) {
      expect(idsOf(no)).toEqual({ resourceIds: [], resourceType: null, cluster: null });
    }
  });

  it("have no type where the id names a kind of resource and none of it", () => {
    expect(idsOf(`${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines`)).toEqual({
      resourceIds: [`${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines`],
      resourceType: null,
      cluster: null,
    });
  });

  it("leave the subscription to the link where there is none", () => {
    const over = { AzureResourceId: null, ResourceIdentifiers: [] };
    expect(alertOf([], over).subscriptionId).toBe(SUBSCRIPTION_ID);
    expect(alertOf([], { ...over, AlertUri: "https://portal.example/" }).subscriptionId).toBeNull();
  });
});

describe("times of an alert", () => {
  const time = (StartTimeUtc: string) => alertOf([], { StartTimeUtc }).times.startedAt;

  it("are moved to UTC from zones on both sides of it, with their minutes", () => {
    expect(time("2026-02-03T04:05:06+05:30")).toBe("2026-02-02T22:35:06.000Z");
    expect(time("2026-02-03T04:05:06-03:30")).toBe("2026-02-03T07:35:06.000Z");
  });

  it("may have blanks around them", () => {
    expect(time(" 2026-02-03T04:05:06Z ")).toBe("2026-02-03T04:05:06.000Z");
  });

  it("are null for an hour, a minute or a second that no clock shows", () => {
    for (const no of ["2026-02-03T24:00:00Z", "2026-02-03T04:60:00Z", "2026-02-03T04:05:60Z"]) {
      expect(time(no)).toBeNull();
    }
  });
});

describe("addresses of attackers", () => {
  const ip = (Address: unknown, more: Json = {}): Json => ({ Address, Type: "ip", ...more });

  it("may stand in one text with commas", () => {
    const ExtendedProperties = { "Attacker IP": "198.51.100.1, 198.51.100.2" };
    expect(alertOf([], { ExtendedProperties }).attackerIps).toEqual(["198.51.100.1", "198.51.100.2"]);
  });

  it("may have blanks around them", () => {
    expect(alertOf([ip(" 203.0.113.7 ")]).attackerIps).toEqual(["203.0.113.7"]);
  });

  it("are found beside a name server query that does not say who asked", () => {
    const dns = { DomainName: "d", Type: "dns" };
    expect(alertOf([ip("203.0.113.7"), dns]).attackerIps).toEqual(["203.0.113.7"]);
  });
});

describe("attributes of an entity", () => {
  it("have the names that Defender's ARM form writes", () => {
    const written = {
      Name: "1",
      OMSAgentID: "2",
      ID: "3",
      IP_Address: "4",
      OsFamily: "5",
      alreadyCamel: "6",
      "1A": "7",
    };
    expect(alertOf([{ ...written, Type: "host" }]).entities[0]?.attributes).toEqual({
      name: "1",
      omsAgentID: "2",
      id: "3",
      iP_Address: "4",
      osFamily: "5",
      alreadyCamel: "6",
      "1A": "7",
    });
  });

  it("keep a name that is written in both casings and says the same", () => {
    expect(alertOf([{ Name: "web-1", name: "web-1", Type: "K8s-pod" }]).pod).toBe("web-1");
  });
});

describe("a record from a host", () => {
  it("is an Event Hub alert by its own id, never by that of another field", () => {
    expect(signalOf(eventHubAlert({ VendorOriginalId: "other", SystemAlertId: "mine" })).id).toBe("mine");
  });
});
