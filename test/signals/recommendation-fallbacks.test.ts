import { describe, expect, it } from "vitest";
import { CLUSTER, DIGEST, OTHER_CLUSTER, SUBSCRIPTION, signalOf } from "./alert-builder.ts";

type Json = Record<string, unknown>;
const KEY = "5d90913f-a1c5-4429-ad54-2c6c17fb3c73";
const VM = `${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm-1`;
const FOREIGN = `${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Security/oddities/o1`;

function recommendation(properties: Json = {}, over: Json = {}): Json {
  return {
    type: "Microsoft.Security/assessments",
    id: `${VM}/providers/Microsoft.Security/assessments/${KEY}`,
    properties: { status: { code: "Unhealthy" }, ...properties },
    ...over,
  };
}

function finding(properties: Json = {}, over: Json = {}): Json {
  return {
    type: "Microsoft.Security/assessments/subAssessments",
    id: `${VM}/providers/Microsoft.Security/assessments/${KEY}/subAssessments/f1`,
    properties: { status: { code: "Unhealthy", severity: "High" }, ...properties },
    ...over,
  };
}

const BOTH = [
  ["a recommendation", recommendation],
  ["a finding", finding],
] as const;

describe.each(BOTH)("%s", (_name, record) => {
  it("is exempt only where it does not apply for that cause", () => {
    const verdict = (status: Json) => signalOf(record({ status })).notActionable;
    expect(verdict({ code: "NotApplicable", cause: "exempt" })).toBe("exempt");
    expect(verdict({ code: "Healthy", cause: "Exempt" })).toBe("healthy");
    expect(verdict({ code: "NotApplicable" })).toBe("healthy");
  });

  it("gives the cause and the time of its status", () => {
    const status = { code: "Unhealthy", cause: "OffByPolicy", statusChangeDate: "2026-02-03T04:05:06.5Z" };
    expect(signalOf(record({ status }))).toMatchObject({
      statusCause: "OffByPolicy",
      times: { statusChangedAt: "2026-02-03T04:05:06.500Z" },
    });
  });

  it("is about the resource in its details, then the native one, then the scope of its id", () => {
    const resourceDetails = { id: CLUSTER, nativeResourceId: OTHER_CLUSTER, resourceName: "shown" };
    expect(signalOf(record({ resourceDetails }))).toMatchObject({
      resourceIds: [CLUSTER, OTHER_CLUSTER, VM],
      compromisedEntity: "shown",
    });
    expect(signalOf(record()).resourceIds).toEqual([VM]);
  });

  it("with an id of another form names no resource by it, though perhaps its subscription", () => {
    expect(signalOf(record({}, { id: FOREIGN }))).toMatchObject({
      resourceIds: [],
      resourceType: null,
      subscriptionId: SUBSCRIPTION.split("/")[2],
    });
    expect(signalOf(record({}, { id: "f-1" }))).toMatchObject({
      key: null,
      resourceIds: [],
      resourceType: null,
      subscriptionId: null,
    });
  });

  it("has no key from an id in which it does not follow the word assessments of the provider", () => {
    for (const id of [
      `${VM}/things/Microsoft.Security/assessments/${KEY}`,
      `${VM}/providers/Microsoft.Other/assessments/${KEY}`,
      `${VM}/providers/Microsoft.Security/others/${KEY}`,
    ]) {
      expect(signalOf(record({}, { id })).key).toBeNull();
    }
    expect(signalOf(record({}, { id: `providers/Microsoft.Security/assessments/${KEY}` })).key).toBe(KEY);
  });

  it("is unknown without an id", () => {
    expect(signalOf(record({}, { id: null }))).toMatchObject({ kind: "other", otherKind: "unknown" });
  });

  it("says in either casing, and in text, that it is part of a snapshot", () => {
    const isSnapshot = (block: Json) =>
      signalOf(record({}, { securityEventDataEnrichment: block })).isSnapshot;
    expect(isSnapshot({ IsSnapshot: true })).toBe(true);
    expect(isSnapshot({ isSnapshot: "True" })).toBe(true);
    expect(isSnapshot({ isSnapshot: "False" })).toBe(false);
  });

  const factsOf = (additionalData: Json) => signalOf(record({ additionalData }));

  it("names the cluster that its detail names, and none where two differ", () => {
    expect(factsOf({ k8sClusterId: CLUSTER }).cluster).toEqual({ resourceId: CLUSTER });
    expect(factsOf({ k8sClusterId: "aks-shop" }).cluster).toBeNull();
    const aggregateServerResourceMetadata = { managedAggregateResourceId: CLUSTER.toUpperCase() };
    expect(factsOf({ k8sClusterId: CLUSTER, aggregateServerResourceMetadata }).cluster).toEqual({
      resourceId: CLUSTER,
    });
    expect(factsOf({ k8sClusterId: OTHER_CLUSTER, aggregateServerResourceMetadata })).toMatchObject({
      cluster: null,
      notActionable: "ambiguous",
    });
  });

  it("names container, repository and digest wherever its scanner writes them", () => {
    expect(factsOf({ containerName: "php" }).container).toBe("php");
    expect(factsOf({ repo: "team/web" }).image).toBe("team/web");
    expect(factsOf({ artifactDetails: { digest: DIGEST } }).digest).toBe(DIGEST);
    expect(factsOf({ ImageDigest: null, data: { imageDigest: DIGEST } }).digest).toBe(DIGEST);
    expect(factsOf({ data: '{"imageDigest":', imageDigest: DIGEST }).digest).toBe(DIGEST);
  });

  it("names a workload only of a kind that Kubernetes has", () => {
    expect(factsOf({ controllerType: "deployment", controllerName: "web" }).workload).toEqual({
      kind: "Deployment",
      name: "web",
    });
    expect(factsOf({ controllerType: "Service", controllerName: "web" }).workload).toBeNull();
  });
});

describe("a recommendation", () => {
  it("has its name as key, before the one in its id", () => {
    expect(signalOf(recommendation({}, { name: "other-key" })).key).toBe("other-key");
  });

  it("has its own display name as title, else that of its metadata", () => {
    const metadata = { displayName: "general" };
    expect(signalOf(recommendation({ displayName: "own", metadata })).title).toBe("own");
    expect(signalOf(recommendation({ metadata })).title).toBe("general");
  });
});

describe("a finding", () => {
  it("is called by its properties' id, else by the name of the record", () => {
    expect(signalOf(finding({ id: "VA2064" }, { name: "f1" })).findingName).toBe("VA2064");
    expect(signalOf(finding({}, { name: "f1" })).findingName).toBe("f1");
  });

  it("has its CVE in one of four places, the detail first", () => {
    const cveOf = (properties: Json) => signalOf(finding(properties)).vulnerability?.cve;
    const additionalData = { vulnerabilityDetails: { cveId: "CVE-2024-0001" } };
    expect(cveOf({ additionalData, id: "CVE-2024-0002" })).toBe("CVE-2024-0001");
    expect(cveOf({ id: "CVE-2024-0002", displayName: "CVE-2024-0003" })).toBe("CVE-2024-0002");
    expect(cveOf({ displayName: "CVE-2024-0003" })).toBe("CVE-2024-0003");
    expect(cveOf({ displayName: "about CVE-2024-0003" })).toBeUndefined();
  });

  it("has its score in one of five places, in a fixed order", () => {
    const cvssOf = (additionalData: Json) => signalOf(finding({ additionalData })).vulnerability?.cvss;
    const vulnerabilityDetails = { cvss: { "3.1": { base: 8.1 }, "3.0": { base: 8 } } };
    const cvss = { "3.0": { base: 6.5 } };
    expect(cvssOf({ cvssV30Score: 9.8, vulnerabilityDetails, cvss })).toBe(9.8);
    expect(cvssOf({ vulnerabilityDetails, cvss })).toBe(8.1);
    expect(cvssOf({ vulnerabilityDetails: { cvss: { "3.0": { base: 8 } } }, cvss })).toBe(8);
    expect(cvssOf({ cvss })).toBe(6.5);
    expect(cvssOf({ cvssV30Score: "high", cvss })).toBe(6.5);
    expect(cvssOf({ cvssV30Score: "high" })).toBeUndefined();
  });

  it("says whether it can be patched only by true or false", () => {
    const fixOf = (patchable: unknown) =>
      signalOf(finding({ additionalData: { patchable, cvssV30Score: 5 } })).vulnerability?.fixAvailable;
    expect(fixOf(true)).toBe(true);
    expect(fixOf(false)).toBe(false);
    expect(fixOf("yes")).toBeNull();
  });
});

describe("an alert of Azure Monitor", () => {
  const activity = (activityLog: Json) =>
    signalOf({ schemaId: "Microsoft.Insights/activityLogs", data: { context: { activityLog } } });

  it("is named by its event, else by what it correlates with", () => {
    expect(activity({ eventDataId: "e-1", correlationId: "c-1" }).id).toBe("e-1");
    expect(activity({ correlationId: "c-1" }).id).toBe("c-1");
  });

  it("has the operation as title and the event's time", () => {
    expect(activity({ operationName: "delete", eventTimestamp: "2026-02-03T04:05:06Z" })).toMatchObject({
      title: "delete",
      times: { generatedAt: "2026-02-03T04:05:06.000Z" },
    });
  });
});
