import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Signal } from "../../src/model/signal.ts";
import { decodeEvent } from "../../src/signals/index.ts";
import { inventedIn } from "./alert-builder.ts";

const SAMPLES = new URL("../../../shared/samples/", import.meta.url);
const S1 = "/subscriptions/11111111-aaaa-4bbb-8ccc-000000000001";
const AKS = `${S1}/resourceGroups/rg-payments-prod/providers/Microsoft.ContainerService/managedClusters/aks-payments`;
const LOWER_AKS = `${S1}/resourcegroups/rg-payments-prod/providers/microsoft.containerservice/managedclusters/aks-payments`;
const DIGEST = "sha256:4af8e6f002401a965bbe753a381af308b40d8947fad2b9e1f6a369aa81abee59";
const MOUNT = {
  kind: "alert",
  key: "K8S_SensitiveMount",
  pod: null,
  workload: { kind: "Deployment", name: "network-app-deployment" },
  namespace: "network-app",
  container: "network-app",
  image: "contosolabs/webapp-network-tester:1.0.60",
  severity: "Medium",
};
const MINER = {
  kind: "alert",
  cluster: { resourceId: AKS },
  namespace: "payments",
  workload: { kind: "Deployment", name: "checkout-api" },
  pod: "checkout-api-6f5d8c7b9d-x2k4q",
  container: "checkout-api",
  image: "acrpayments.azurecr.io/checkout-api:1.14.2",
  digest: null,
  resourceIds: [AKS],
  actionable: true,
};
const SAMPLE = { kind: "alert", isSample: true, notActionable: "sample" };
const UNHEALTHY = { kind: "recommendation", action: "Insert", status: "Unhealthy", actionable: true };

/** What the samples' own table says is particular about each file. */
const EXPECTED: Readonly<Record<string, object>> = {
  "alerts/k8s-sensitive-mount.arm.json": MOUNT,
  "alerts/k8s-sensitive-mount.eventhub.json": MOUNT,
  "alerts/k8s-node-cryptominer.eventhub.json": MINER,
  "alerts/k8s-node-cryptominer.arm.json": MINER,
  "alerts/k8s-node-drift-detected.eventhub.json": {
    workload: { kind: "DaemonSet", name: "ledger" },
    digest: DIGEST,
    image: `acrpayments.azurecr.io/ledger@${DIGEST}`,
  },
  "alerts/k8s-node-webshell.eventhub.json": {
    tactics: ["Persistence", "Exploitation"],
    namespace: "default",
    image: "docker.io/library/php:8.1-apache",
  },
  "alerts/k8s-node-drift-blocked.eventhub.json": {
    key: "K8S.NODE_DriftBlocked",
    workload: null,
    pod: "checkout-api-6f5d8c7b9d-x2k4q",
  },
  "alerts/k8s-node-eicar-test.eventhub.json": {
    key: "K8S.NODE_EICAR",
    severity: "High",
    image: "ubuntu:18.04",
    pod: "mdc-test",
    workload: null,
    isSample: false,
  },
  "alerts/k8s-cluster-admin-binding.eventhub.json": {
    cluster: { resourceId: AKS },
    namespace: null,
    pod: null,
    serviceAccount: "system:serviceaccount:ci:runner",
    object: { kind: "ClusterRoleBinding", namespace: null, name: "ci-admin" },
    times: {
      startedAt: "2025-03-11T06:00:00.100Z",
      endedAt: "2025-03-11T06:00:00.100Z",
      generatedAt: "2025-03-11T06:44:51.200Z",
      statusChangedAt: null,
    },
  },
  "alerts/k8s-node-reverse-shell-arc.eventhub.json": {
    cluster: {
      resourceId: `${S1}/resourceGroups/rg-edge/providers/Microsoft.Kubernetes/connectedClusters/arc-factory-01`,
    },
    resourceType: "microsoft.kubernetes/connectedclusters",
    attackerIps: [],
  },
  "alerts/vm-crypto-simulated.arm.json": {
    ...SAMPLE,
    baseKey: "VM_DigitalCurrencyMining",
    resourceType: "microsoft.compute/virtualmachines",
    subscriptionId: "11111111-aaaa-4bbb-8ccc-000000000001",
  },
  "alerts/vm-suspicious-php-simulated.eventhub.json": {
    ...SAMPLE,
    baseKey: "VM_SuspectPhp",
    resourceType: "microsoft.compute/virtualmachines",
  },
  "alerts/vm-ssh-bruteforce.eventhub.json": {
    attackerIps: ["198.51.100.23"],
    resourceType: "microsoft.compute/virtualmachines",
    actionable: true,
  },
  "alerts/keyvault-volume-simulated.arm.json": {
    ...SAMPLE,
    attackerIps: [],
    resourceType: "microsoft.keyvault/vaults",
  },
  "alerts/keyvault-volume-simulated.eventhub.json": {
    ...SAMPLE,
    attackerIps: [],
    resourceType: "microsoft.keyvault/vaults",
  },
  "alerts/appservice-wordpress-simulated.arm.json": { ...SAMPLE, resourceType: "microsoft.web/sites" },
  "alerts/appservice-wordpress-simulated.eventhub.json": { ...SAMPLE, resourceType: "microsoft.web/sites" },
  "alerts/appservice-dangling-dns.arm.json": {
    title: "AppServices_DanglingDomain",
    key: "AppServices_DanglingDomain",
    resourceType: "microsoft.web/sites",
    actionable: true,
  },
  "alerts/storage-tor-simulated.arm.json": {
    ...SAMPLE,
    resourceType: "microsoft.storage/storageaccounts",
    attackerIps: [],
  },
  "alerts/storage-tor-simulated.eventhub.json": {
    ...SAMPLE,
    resourceType: "microsoft.storage/storageaccounts",
    attackerIps: [],
  },
  "alerts/cosmos-listkeys-simulated.arm.json": {
    ...SAMPLE,
    resourceType: "microsoft.documentdb/databaseaccounts",
  },
  "alerts/cosmos-listkeys-simulated.eventhub.json": {
    ...SAMPLE,
    resourceType: "microsoft.documentdb/databaseaccounts",
  },
  "alerts/sql-bruteforce.eventhub.json": {
    attackerIps: ["203.0.113.77"],
    resourceType: "microsoft.sql/servers/databases",
    compromisedEntity: "orders",
  },
  "alerts/network-c2-loadbalancer.arm.json": {
    attackerIps: ["198.51.100.118"],
    compromisedEntity: "kubernetes",
    cluster: null,
    resourceType: "microsoft.network/loadbalancers",
  },
  "alerts/network-c2-loadbalancer.eventhub.json": {
    attackerIps: ["198.51.100.118"],
    compromisedEntity: "kubernetes",
    cluster: null,
    resourceType: "microsoft.network/loadbalancers",
  },
  "alerts/dns-exfiltration-simulated.arm.json": {
    ...SAMPLE,
    resourceType: "microsoft.compute/virtualmachines",
    attackerIps: [],
  },
  "alerts/resource-manager-role-simulated.arm.json": {
    ...SAMPLE,
    resourceIds: [S1],
    resourceType: null,
    tactics: ["DefenseEvasion", "LateralMovement"],
  },
  "alerts/vm-eicar-incident.arm.json": {
    id: "2518298467986649999_4d25bfef-2d77-4a08-adc0-3e35715cc92a",
    key: "VM_EICAR",
    isSample: false,
    alertLocation: "westeurope",
  },
  "recommendations/vm-management-ports.insert.json": {
    ...UNHEALTHY,
    statusCause: "ManagementPortsAreOpenToAllSources",
    compromisedEntity: "vm-jump-01",
  },
  "recommendations/vm-jit.snapshot.json": {
    kind: "recommendation",
    isSnapshot: true,
    notActionable: "snapshot",
  },
  "recommendations/vm-vulnerability-findings.insert.json": { ...UNHEALTHY, severity: "Low" },
  "recommendations/subnet-nsg.insert.json": {
    ...UNHEALTHY,
    resourceType: "microsoft.network/virtualnetworks/subnets",
  },
  "recommendations/vm-all-ports-nsg.insert.json": {
    ...UNHEALTHY,
    resourceType: "microsoft.compute/virtualmachines",
  },
  "recommendations/vnet-azure-firewall.insert.json": {
    ...UNHEALTHY,
    resourceType: "microsoft.network/virtualnetworks",
  },
  "recommendations/storage-secure-transfer.insert.json": {
    ...UNHEALTHY,
    resourceType: "microsoft.storage/storageaccounts",
  },
  "recommendations/storage-network-restrict.delete.json": {
    kind: "recommendation",
    action: "Delete",
    status: "Healthy",
    notActionable: "deleted",
  },
  "recommendations/sql-vulnerability-findings.insert.json": {
    ...UNHEALTHY,
    resourceType: "microsoft.sql/servers",
  },
  "recommendations/cosmos-cmk.notapplicable.json": {
    kind: "recommendation",
    status: "NotApplicable",
    statusCause: "OffByPolicy",
    actionable: false,
  },
  "recommendations/functionapp-https.insert.json": { ...UNHEALTHY, resourceType: "microsoft.web/sites" },
  "recommendations/webapp-ftps.insert.json": { ...UNHEALTHY, resourceType: "microsoft.web/sites" },
  "recommendations/keyvault-diagnostics.exempt.json": { kind: "recommendation", notActionable: "exempt" },
  "recommendations/acr-unrestricted-network.insert.json": {
    ...UNHEALTHY,
    resourceType: "microsoft.containerregistry/registries",
  },
  "recommendations/acr-image-vulnerabilities.insert.json": { ...UNHEALTHY, severity: "High" },
  "recommendations/aks-privileged-containers.insert.json": {
    ...UNHEALTHY,
    cluster: { resourceId: AKS },
    pod: null,
    workload: null,
  },
  "recommendations/aks-api-server-restricted.insert.json": { ...UNHEALTHY, cluster: { resourceId: AKS } },
  "recommendations/aks-container-image-vulnerable.insert.json": {
    kind: "recommendation",
    cluster: { resourceId: LOWER_AKS },
    namespace: "payments",
    workload: null,
    pod: null,
    digest: DIGEST,
    vulnerability: { cve: "CVE-2022-42969", cvss: 7.5, fixAvailable: null, package: null },
    notActionable: "pattern",
  },
  "findings/acr-mdvm-cve.insert.json": {
    kind: "finding",
    resourceType: "microsoft.containerregistry/registries",
    image: "checkout-api",
    digest: DIGEST,
    vulnerability: { cve: "CVE-2022-42969", cvss: 7.5, fixAvailable: true, package: "py" },
  },
  "findings/vm-baseline.pascal-typed.insert.json": {
    kind: "finding",
    action: "Insert",
    status: "Unhealthy",
    severity: "Medium",
    key: "c476dc48-8110-4139-91af-c8d940896b98",
  },
  "findings/sql-va2064.healthy.json": {
    kind: "finding",
    findingName: "VA2064",
    severity: "High",
    resourceType: "microsoft.sql/servers/databases",
    notActionable: "healthy",
  },
  "findings/aks-node-cve.snapshot.json": {
    kind: "finding",
    cluster: { resourceId: AKS },
    isSnapshot: true,
    notActionable: "snapshot",
  },
  "other/secure-score.json": { kind: "other", otherKind: "secureScore", actionable: false },
  "other/secure-score-control.snapshot.json": {
    kind: "other",
    otherKind: "secureScoreControl",
    isSnapshot: true,
    actionable: false,
  },
  "other/regulatory-compliance.json": {
    kind: "other",
    otherKind: "regulatoryCompliance",
    action: "Write",
    key: null,
    actionable: false,
  },
};

/** Kinds (and status) of the records in each envelope, in order. */
const ENVELOPES: Readonly<Record<string, readonly string[]>> = {
  "functions-batch-array.json": ["alert Active", "recommendation Unhealthy", "finding Unhealthy"],
  "ndjson.txt": ["alert Active", "alert Active", "recommendation Unhealthy"],
  "records-wrapper.json": ["alert Active", "recommendation Unhealthy"],
  "arm-list-value.json": ["alert Active", "alert Active"],
  "array-of-strings.json": ["alert Active", "recommendation Unhealthy"],
  "duplicate-and-status-change.json": ["alert Active", "alert Active", "alert Resolved"],
};

function signalsOf(file: string): { signal: Signal; body: unknown }[] {
  return decodeEvent(readFileSync(new URL(file, SAMPLES))).map((one) => {
    if ("parked" in one) throw new Error(`${file}: ${one.parked}`);
    return one;
  });
}

if (!existsSync(SAMPLES)) {
  console.log(
    "skipped: the published samples are not at ../shared/samples, so the table of them was not checked",
  );
}

describe.runIf(existsSync(SAMPLES))("the published samples", () => {
  it.each(Object.entries(EXPECTED))("%s means what its table says", (file, expected) => {
    const signals = signalsOf(file);
    expect(signals).toHaveLength(1);
    expect(signals[0]?.signal).toMatchObject(expected);
  });

  it.each(Object.entries(ENVELOPES))("envelopes/%s is unfolded", (file, expected) => {
    expect(signalsOf(`envelopes/${file}`).map(({ signal }) => `${signal.kind} ${signal.status}`)).toEqual(
      expected,
    );
  });

  it("are all in the table, and nothing is invented in any of them", () => {
    for (const folder of ["alerts", "recommendations", "findings", "other", "envelopes"]) {
      for (const name of readdirSync(new URL(`${folder}/`, SAMPLES))) {
        expect(Object.hasOwn(EXPECTED, `${folder}/${name}`) || Object.hasOwn(ENVELOPES, name), name).toBe(
          true,
        );
        for (const { signal, body } of signalsOf(`${folder}/${name}`))
          expect(inventedIn(signal, body), name).toEqual([]);
      }
    }
  });
});
