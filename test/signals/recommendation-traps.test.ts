import { describe, expect, it } from "vitest";
import { CLUSTER, DIGEST, SUBSCRIPTION, signalOf } from "./alert-builder.ts";

type Json = Record<string, unknown>;
const KEY = "5d90913f-a1c5-4429-ad54-2c6c17fb3c73";
const VM = `${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm-1`;

function recommendation(properties: Json = {}, over: Json = {}, resource: string = VM): Json {
  return {
    securityEventDataEnrichment: { action: "Insert", apiVersion: "2019-01-01", isSnapshot: false },
    type: "Microsoft.Security/assessments",
    id: `${resource}/providers/Microsoft.Security/assessments/${KEY}`,
    name: KEY,
    properties: {
      resourceDetails: { source: "Azure", id: resource },
      status: { code: "Unhealthy" },
      metadata: { severity: "Medium" },
      ...properties,
    },
    ...over,
  };
}

function finding(properties: Json = {}, resource: string = VM): Json {
  return {
    type: "Microsoft.Security/assessments/subAssessments",
    id: `${resource}/providers/Microsoft.Security/assessments/${KEY}/SubAssessments/f1`,
    name: "f1",
    properties: { id: "VA2064", status: { code: "Unhealthy", severity: "High" }, ...properties },
  };
}

describe("a recommendation", () => {
  it("has the severity of its metadata, not of its risk or status", () => {
    const properties = {
      status: { code: "Unhealthy", severity: "Low" },
      risk: { level: "Critical" },
      metadata: { severity: "Medium" },
    };
    expect(signalOf(recommendation(properties)).severity).toBe("Medium");
    expect(signalOf(recommendation({ metadata: undefined, risk: { level: "High" } })).severity).toBeNull();
  });

  it("reads the older enrichment in PascalCase and keys in PascalCase inside resourceDetails", () => {
    const record = recommendation(
      { resourceDetails: { Source: "Azure", Id: VM, ResourceName: "vm-1" } },
      {
        securityEventDataEnrichment: undefined,
        AssessmentEventDataEnrichment: { Action: "Delete", ApiVersion: "2019-01-01" },
      },
    );
    expect(signalOf(record)).toMatchObject({
      action: "Delete",
      isSnapshot: false,
      resourceIds: [VM],
      compromisedEntity: "vm-1",
      notActionable: "deleted",
    });
  });

  it("is only actionable while it is unhealthy", () => {
    const verdict = (status: Json) => signalOf(recommendation({ status })).notActionable;
    expect(verdict({ code: "Unhealthy" })).toBeNull();
    expect(verdict({ code: "Healthy" })).toBe("healthy");
    expect(verdict({ code: "NotApplicable", cause: "OffByPolicy" })).toBe("healthy");
    expect(verdict({ code: "NotApplicable", cause: "Exempt" })).toBe("exempt");
    expect(verdict({})).toBe("healthy");
  });

  it("is deleted first of all, whatever its last status; a snapshot only while unhealthy", () => {
    const enrichment = (action: string, isSnapshot: boolean) => ({
      assessmentEventDataEnrichment: { action, isSnapshot },
    });
    expect(
      signalOf(recommendation({ status: { code: "Healthy" } }, enrichment("Delete", true))).notActionable,
    ).toBe("deleted");
    expect(signalOf(recommendation({}, enrichment("Insert", true)))).toMatchObject({
      isSnapshot: true,
      notActionable: "snapshot",
    });
    expect(
      signalOf(recommendation({ status: { code: "Healthy" } }, enrichment("Insert", true))).notActionable,
    ).toBe("healthy");
  });

  it("about a cluster names the cluster and no pod", () => {
    expect(signalOf(recommendation({}, {}, CLUSTER))).toMatchObject({
      cluster: { resourceId: CLUSTER },
      pod: null,
      workload: null,
      actionable: true,
    });
  });

  it("about containers gives names with asterisks as patterns, its cluster and its digest", () => {
    const resource = `${CLUSTER}/securityentitydata/namespace-shop-pod-web-*-*-container-web`;
    const additionalData = {
      K8sClusterId: CLUSTER,
      Namespace: "shop",
      ControllerType: "replicaset",
      ControllerName: "web-*",
      PodName: "web-*-*",
      ImageUri: `r.example/web@${DIGEST}`,
      Digest: DIGEST,
    };
    expect(signalOf(recommendation({ additionalData }, {}, resource))).toMatchObject({
      cluster: { resourceId: CLUSTER },
      namespace: "shop",
      workload: null,
      pod: null,
      image: `r.example/web@${DIGEST}`,
      digest: DIGEST,
      resourceIds: [resource],
      resourceType: "microsoft.containerservice/managedclusters/securityentitydata",
      notActionable: "pattern",
    });
  });

  it("reads a list of vulnerabilities and its numbers out of text, and names none of several", () => {
    const listed = (CVEs: string) => signalOf(recommendation({ additionalData: { CVEs } })).vulnerability;
    expect(listed('[{"CVE":"CVE-2022-42969","BaseScore":"7.5"}]')).toEqual({
      cve: "CVE-2022-42969",
      cvss: 7.5,
      fixAvailable: null,
      package: null,
    });
    expect(listed('[{"CVE":"CVE-2022-42969"},{"CVE":"CVE-2022-42970"}]')).toBeNull();
    expect(listed("[broken")).toBeNull();
  });

  it("names a child resource by its own type", () => {
    const subnet = `${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/v/subnets/s`;
    expect(signalOf(recommendation({}, {}, subnet)).resourceType).toBe(
      "microsoft.network/virtualnetworks/subnets",
    );
  });

  it("about a subscription is not a resource", () => {
    expect(signalOf(recommendation({}, {}, SUBSCRIPTION))).toMatchObject({
      resourceIds: [SUBSCRIPTION],
      notActionable: "not a resource",
    });
  });

  it("takes its key from its id where it has no name", () => {
    expect(signalOf(recommendation({}, { name: null })).key).toBe(KEY);
  });

  it("does not become a finding by one inside its additionalData", () => {
    const additionalData = { subAssessment: finding() };
    expect(signalOf(recommendation({ additionalData }))).toMatchObject({
      kind: "recommendation",
      findingName: null,
    });
  });
});

describe("a finding", () => {
  it("has the severity of its status, and its parent's key from an id in any casing", () => {
    expect(signalOf(finding())).toMatchObject({
      severity: "High",
      key: KEY,
      findingName: "VA2064",
      status: "Unhealthy",
    });
  });

  it("that is healthy is nothing to do though its severity is high", () => {
    expect(
      signalOf(finding({ status: { code: "Healthy", severity: "High", cause: "Unknown" } })).notActionable,
    ).toBe("healthy");
  });

  it("is about the child that its details name, before the scope of its id", () => {
    const server = `${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Sql/servers/s`;
    const signal = signalOf(finding({ resourceDetails: { id: `${server}/databases/d` } }, server));
    expect(signal).toMatchObject({
      resourceIds: [`${server}/databases/d`, server],
      resourceType: "microsoft.sql/servers/databases",
    });
  });

  it("about an image names the registry as resource, and digest and repository as written", () => {
    const registry = `${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/acr`;
    const resourceDetails = { id: `/repositories/web/images/${DIGEST}` };
    const artifactDetails = { registryHost: "acr.azurecr.io", repositoryName: "web", digest: DIGEST };
    for (const additionalData of [
      { artifactDetails },
      { data: { artifactDetails } },
      { data: JSON.stringify({ artifactDetails }) },
    ]) {
      expect(signalOf(finding({ resourceDetails, additionalData }, registry))).toMatchObject({
        resourceIds: [registry],
        image: "web",
        digest: DIGEST,
      });
    }
    expect(signalOf(finding({ resourceDetails }, registry))).toMatchObject({ image: null, digest: DIGEST });
    expect(
      signalOf(finding({ additionalData: { imageDigest: DIGEST, repositoryName: "old" } }, registry)),
    ).toMatchObject({ image: "old", digest: DIGEST });
  });

  it("about a node pool finds its cluster in the metadata of the aggregate", () => {
    const vmss = `${SUBSCRIPTION}/resourceGroups/MC_rg/providers/Microsoft.Compute/virtualMachineScaleSets/pool`;
    const additionalData = {
      cve: { title: "CVE-2025-38166", cvssScore: 5.5 },
      aggregateServerResourceMetadata: { managedAggregateResourceId: CLUSTER },
    };
    expect(signalOf(finding({ additionalData, id: "D260AR" }, vmss))).toMatchObject({
      cluster: { resourceId: CLUSTER },
      resourceIds: [vmss],
      findingName: "D260AR",
      vulnerability: { cve: "CVE-2025-38166", cvss: 5.5, fixAvailable: null, package: null },
    });
  });

  it("says whether there is a fix, and null where the record does not", () => {
    const fix = (softwareDetails: Json) =>
      signalOf(finding({ additionalData: { softwareDetails: { packageName: "p", ...softwareDetails } } }))
        .vulnerability?.fixAvailable;
    expect(fix({ fixStatus: "FixAvailable", fixedVersion: "" })).toBe(true);
    expect(fix({ fixStatus: "NoFixAvailable", fixedVersion: "" })).toBe(false);
    expect(fix({ fixStatus: "constructor", fixedVersion: "2" })).toBe(true);
    expect(fix({})).toBeNull();
    expect(signalOf(finding()).vulnerability).toBeNull();
  });
});
