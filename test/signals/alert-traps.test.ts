import { describe, expect, it } from "vitest";
import { alertOf, CLUSTER, eventHubAlert, SUBSCRIPTION, signalOf } from "./alert-builder.ts";

describe("fields of an alert", () => {
  it("counts Event Hub's New as ARM's Active, and acts on nothing else", () => {
    expect(alertOf([], { Status: "New" })).toMatchObject({ status: "Active", actionable: true });
    expect(alertOf([], { Status: "active" })).toMatchObject({ status: "Active", actionable: true });
    for (const status of ["Resolved", "Dismissed", "InProgress"]) {
      expect(alertOf([], { Status: status })).toMatchObject({
        status,
        actionable: false,
        notActionable: "resolved",
      });
    }
    expect(alertOf([], { Status: null })).toMatchObject({ status: null, actionable: false });
  });

  it("reads severities in any casing and gives null for other words", () => {
    expect(alertOf([], { Severity: "hIGH" }).severity).toBe("High");
    expect(alertOf([], { Severity: "Severe" }).severity).toBeNull();
    expect(alertOf([], { Severity: 3 }).severity).toBeNull();
  });

  it("knows sample alerts by type and by title, and keeps the type without its prefix", () => {
    const byType = alertOf([], { AlertType: "SIMULATED_K8S.NODE_Webshell" });
    expect(byType).toMatchObject({
      isSample: true,
      baseKey: "K8S.NODE_Webshell",
      key: "SIMULATED_K8S.NODE_Webshell",
      notActionable: "sample",
    });
    expect(alertOf([], { AlertDisplayName: "[SAMPLE ALERT]  x" })).toMatchObject({
      isSample: true,
      notActionable: "sample",
    });
    expect(alertOf([], { AlertDisplayName: "Not a [SAMPLE ALERT]" }).isSample).toBe(false);
  });

  it("does not take a test alert for a sample: its type says what it is", () => {
    expect(alertOf([], { AlertType: "K8S.NODE_EICAR" })).toMatchObject({
      isSample: false,
      key: "K8S.NODE_EICAR",
    });
  });

  it("splits the tactics of Intent", () => {
    expect(alertOf([], { Intent: "DefenseEvasion, LateralMovement,PreAttack" }).tactics).toEqual([
      "DefenseEvasion",
      "LateralMovement",
      "PreAttack",
    ]);
    expect(alertOf([], { Intent: null }).tactics).toEqual([]);
  });

  it("cuts times to milliseconds in UTC and gives null for what is no time", () => {
    const times = (StartTimeUtc: unknown) => alertOf([], { StartTimeUtc }).times.startedAt;
    expect(times("2026-02-03T04:05:06.9999999Z")).toBe("2026-02-03T04:05:06.999Z");
    expect(times("2026-02-03T04:05:06")).toBe("2026-02-03T04:05:06.000Z");
    expect(times("2026-02-03T01:05:06.5+02:00")).toBe("2026-02-02T23:05:06.500Z");
    for (const no of [
      "0001-01-01T00:00:00Z",
      "2026-02-30T00:00:00Z",
      "2026-13-01T00:00:00Z",
      "09/08/2022 07:51:17",
      "",
      5,
      null,
      "x".repeat(9),
    ]) {
      expect(times(no)).toBeNull();
    }
  });

  it("finds the location in AlertUri, also behind a resource group of that name", () => {
    const uri =
      "https://portal.azure.com/#blade/X/alertId/1/subscriptionId/s/resourceGroup/location/referencedFrom/alertDeepLink/location/westeurope";
    expect(alertOf([], { AlertUri: uri }).alertLocation).toBe("westeurope");
    expect(alertOf([], { AlertUri: "https://portal.azure.com/" }).alertLocation).toBeNull();
  });

  it("finds the resource group in AlertUri, and none where the alert is kept at the subscription", () => {
    const group = (path: string) =>
      alertOf([], {
        AlertUri: `https://portal.azure.com/#blade/X/alertId/1/subscriptionId/s${path}/location/eu`,
      }).alertResourceGroup;
    expect(group("/resourceGroup/rg-shop_(1).x/referencedFrom/alertDeepLink")).toBe("rg-shop_(1).x");
    expect(group("/resourceGroup/location")).toBe("location");
    expect(group("")).toBeNull();
    expect(group("/resourceGroup/a%2f..%2fb")).toBeNull();
    expect(group(`/resourceGroup/${"a".repeat(91)}`)).toBeNull();
  });

  it("takes the location of an ARM alert without AlertUri from its id", () => {
    const id = `${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Security/locations/centralus/alerts/a1`;
    const signal = signalOf({
      id,
      name: "a1",
      type: "Microsoft.Security/Locations/alerts",
      properties: { status: "Active" },
    });
    expect(signal).toMatchObject({
      alertLocation: "centralus",
      subscriptionId: SUBSCRIPTION.split("/")[2],
      notActionable: "not a resource",
    });
  });

  it("takes systemAlertId where id, name and systemAlertId of an ARM alert disagree", () => {
    const record = {
      id: "/x/alerts/a",
      name: "b",
      type: "Microsoft.Security/Locations/alerts",
      properties: { systemAlertId: "c" },
    };
    expect(signalOf(record).id).toBe("c");
  });

  it("reads entities and properties that a second writer made into text", () => {
    const entities = JSON.stringify([{ Type: "ip", Address: "198.51.100.1" }]);
    expect(alertOf(entities).attackerIps).toEqual(["198.51.100.1"]);
    expect(alertOf("[{broken").entities).toEqual([]);
    const deep = (depth: number): string => `[{"Type":"ip","a":${"[".repeat(depth)}${"]".repeat(depth)}}]`;
    expect(alertOf(deep(3_000)).entities).toEqual([]);
    expect(alertOf(deep(1_900)).entities).toHaveLength(1);
  });

  it("reads an alert without entities, links and properties", () => {
    const bare = {
      Entities: undefined,
      ExtendedProperties: null,
      RemediationSteps: undefined,
      ResourceIdentifiers: undefined,
    };
    expect(signalOf(eventHubAlert(bare))).toMatchObject({
      entities: [],
      resourceIds: [CLUSTER],
      actionable: true,
    });
  });
});

describe("the resources of an alert", () => {
  const cosmos = `${SUBSCRIPTION}/resourcegroups/rg/providers/Microsoft.DocumentDb/databaseAccounts/c1`;
  const bySubscription = {
    AzureResourceId: SUBSCRIPTION,
    ResourceIdentifiers: [{ $id: "2", AzureResourceId: SUBSCRIPTION, Type: "AzureResource" }],
  };

  it("begin with the resource that the entities name where the identifier is only a subscription", () => {
    expect(alertOf([{ ResourceId: cosmos, Type: "azure-resource" }], bySubscription)).toMatchObject({
      resourceIds: [cosmos, SUBSCRIPTION],
      resourceType: "microsoft.documentdb/databaseaccounts",
      actionable: true,
    });
  });

  it("are ambiguous where the entities name several and the identifier only a subscription", () => {
    const entities = [
      { ResourceId: cosmos, Type: "azure-resource" },
      { ResourceId: `${cosmos}2`, Type: "azure-resource" },
    ];
    expect(alertOf(entities, bySubscription)).toMatchObject({
      resourceType: null,
      notActionable: "ambiguous",
    });
  });

  it("begin with the identifier where it names a resource, whatever else the entities name", () => {
    const entities = [
      { ResourceId: cosmos, Type: "azure-resource" },
      { ResourceId: `${cosmos}2`, Type: "azure-resource" },
    ];
    expect(alertOf(entities)).toMatchObject({
      resourceIds: [CLUSTER, cosmos, `${cosmos}2`],
      actionable: true,
    });
  });

  it("make an alert of a subscription or of no ARM id not a resource", () => {
    expect(alertOf([], bySubscription)).toMatchObject({
      resourceIds: [SUBSCRIPTION],
      resourceType: null,
      notActionable: "not a resource",
    });
    expect(alertOf([], { AzureResourceId: "vm-1", ResourceIdentifiers: [] })).toMatchObject({
      resourceIds: [],
      notActionable: "not a resource",
    });
  });

  it("are written as they came, once each whatever their casing", () => {
    const upper = CLUSTER.toUpperCase();
    const over = {
      AzureResourceId: upper,
      ResourceIdentifiers: [{ AzureResourceId: CLUSTER, Type: "AzureResource" }],
    };
    expect(alertOf([], over)).toMatchObject({
      resourceIds: [upper],
      resourceType: "microsoft.containerservice/managedclusters",
    });
  });

  it("have the type of a child, and of the last provider", () => {
    const typeOf = (id: string) => alertOf([], { AzureResourceId: id, ResourceIdentifiers: [] }).resourceType;
    const subnet = `${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/v/subnets/providers`;
    expect(typeOf(subnet)).toBe("microsoft.network/virtualnetworks/subnets");
    expect(typeOf(`${subnet}/providers/Microsoft.Insights/diagnosticSettings/d`)).toBe(
      "microsoft.insights/diagnosticsettings",
    );
    expect(typeOf(`${SUBSCRIPTION}/resourceGroups/rg`)).toBeNull();
    expect(typeOf(`${SUBSCRIPTION}//providers/Microsoft.Web/sites/s`)).toBeNull();
  });
});

describe("addresses of attackers", () => {
  const ip = (Address: string, more: object = {}) => ({ Address, Type: "ip", ...more });
  const threat = { ThreatIntelligence: [{ ThreatName: "x" }] };

  it("are those with threat intelligence, not the victim's", () => {
    const over = { ExtendedProperties: { "Attacker IP": "198.51.100.118", "Victim IP": "192.0.2.26" } };
    expect(alertOf([ip("198.51.100.118", threat), ip("192.0.2.26")], over).attackerIps).toEqual([
      "198.51.100.118",
    ]);
    expect(alertOf([ip("198.51.100.118", threat), ip("192.0.2.26", threat)], over).attackerIps).toEqual([
      "198.51.100.118",
    ]);
  });

  it("are what ExtendedProperties call the attacker, in either casing of the first letter", () => {
    const entities = [ip("198.51.100.1"), ip("192.0.2.2")];
    expect(alertOf(entities, { ExtendedProperties: { "attacker IP": "198.51.100.1" } }).attackerIps).toEqual([
      "198.51.100.1",
    ]);
    expect(alertOf([], { ExtendedProperties: { "Attacker IP Address": "2001:db8::1" } }).attackerIps).toEqual(
      ["2001:db8::1"],
    );
  });

  it("are the only ip entity where nothing else says so, and nobody where there are several", () => {
    expect(alertOf([ip("203.0.113.7")]).attackerIps).toEqual(["203.0.113.7"]);
    expect(alertOf([ip("203.0.113.7"), ip("203.0.113.8")]).attackerIps).toEqual([]);
  });

  it("are never the own asset or the host that asked a name server", () => {
    expect(alertOf([ip("203.0.113.7", { Asset: true })]).attackerIps).toEqual([]);
    const dns = { DomainName: "d", HostIpAddress: { $ref: "5" }, Type: "dns" };
    expect(alertOf([ip("203.0.113.7", { $id: "5" }), dns]).attackerIps).toEqual([]);
  });

  it("are valid addresses only", () => {
    for (const no of ["00.00.00.00", "0.0.0.0", "::", "host", "1.2.3.4/8", "fe80::1%eth0", "1.2.3", ""]) {
      expect(alertOf([ip(no, threat)]).attackerIps).toEqual([]);
    }
  });

  it("are read from an ip defined inside a network connection", () => {
    const entities = [
      { SourceAddress: { $id: "6", ...ip("203.0.113.77") }, Type: "network-connection" },
      { $ref: "6" },
    ];
    expect(alertOf(entities).attackerIps).toEqual(["203.0.113.77"]);
  });
});

describe("entities", () => {
  it("keep their own scalar fields by camelCase name, without references and types", () => {
    const host = {
      $id: "4",
      HostName: "h",
      OMSAgentID: null,
      OSFamily: "Linux",
      NTDomain: "",
      IsDomainJoined: false,
      Type: "Host",
    };
    const account = { $id: "5", Name: "root", Host: { $ref: "4" }, Logons: 3, Asset: false, Type: "account" };
    expect(alertOf([host, account]).entities).toEqual([
      {
        type: "host",
        name: "h",
        asset: null,
        attributes: { hostName: "h", osFamily: "Linux", ntDomain: "", isDomainJoined: "false" },
      },
      { type: "account", name: "root", asset: false, attributes: { name: "root", logons: "3" } },
    ]);
  });

  it("are all found in a chain of 1,500 parent processes", () => {
    let process: Record<string, unknown> = { ProcessId: "0", Type: "process" };
    for (let at = 1; at < 1_500; at += 1)
      process = { ProcessId: String(at), ParentProcess: process, Type: "process" };
    const { entities } = alertOf([process]);
    expect(entities).toHaveLength(1_500);
    expect(entities.at(-1)?.attributes.processId).toBe("0");
  });

  it("are left out where they are only references or have no type", () => {
    expect(alertOf([{ $ref: "1" }, { Name: "x" }, null, 7, "text", []]).entities).toEqual([]);
  });

  it("do not reach Object.prototype by their names", () => {
    const text =
      '[{"Type":"constructor","$id":"__proto__","__proto__":{"polluted":1},"constructor":"c","Name":{"$ref":"__proto__"}}]';
    const [entity] = alertOf(text).entities;
    expect(entity).toMatchObject({ type: "constructor", name: null });
    expect(Object.keys(entity?.attributes ?? {})).toEqual(["constructor"]);
    expect(entity?.attributes.toString).toBeUndefined();
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});
