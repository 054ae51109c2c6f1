import { describe, expect, it } from "vitest";
import type { Signal } from "../../src/model/signal.ts";
import { aSignal, CLUSTER, matches, OTHER_CLUSTER } from "./rule-fixtures.ts";

type Row = readonly [when: string, overrides: Partial<Signal>, matched: boolean];

function table(name: string, rows: readonly Row[]): void {
  describe(name, () => {
    it.each(rows)("%s on %j: %s", (when, overrides, matched) => {
      expect(matches(when, aSignal(overrides))).toBe(matched);
    });
  });
}

table("kind is one of the four", [
  ["{ kind: alert }", {}, true],
  ["{ kind: finding }", {}, false],
  ["{ kind: [finding, alert] }", {}, true],
  ["{ kind: [finding, other] }", {}, false],
]);

table("otherKind names what an other record is", [
  ["{ otherKind: secureScore }", { kind: "other", otherKind: "secureScore" }, true],
  ["{ otherKind: secureScore }", { kind: "other", otherKind: "secureScoreControl" }, false],
  ["{ otherKind: [unknown, attackPath] }", { otherKind: "attackPath" }, true],
  ["{ otherKind: unknown }", { otherKind: null }, false],
]);

table("key is a pattern in which dots are plain and casing is not", [
  ['{ key: "K8S.NODE_CryptoCoinMiner*" }', {}, true],
  ['{ key: "k8s.node_cryptocoinminer*" }', {}, true],
  ['{ key: "K8S.NODE_CryptoCoinMiner" }', {}, false],
  ['{ key: "*CryptoCoinMinerExecution" }', {}, true],
  ['{ key: "K8S.NODE_*" }', { baseKey: "K8S_NODE_X", key: "K8S_NODE_X" }, false],
  ['{ key: "K8S.NODE_*" }', { baseKey: "K8SxNODE_X", key: "K8SxNODE_X" }, false],
  ['{ key: "K8S.NODE_{Webshell,ReverseShell}" }', { baseKey: "K8S.NODE_ReverseShell" }, true],
  ['{ key: "VM_*" }', {}, false],
  ['{ key: ["VM_*", "K8S*"] }', {}, true],
  ['{ key: "*" }', { key: null, baseKey: null }, false],
]);

table("key is compared without the prefix of samples, and with it", [
  ["{ key: VM_X, sample: true }", { key: "SIMULATED_VM_X", baseKey: "VM_X", isSample: true }, true],
  ["{ key: SIMULATED_VM_X, sample: true }", { key: "SIMULATED_VM_X", baseKey: "VM_X", isSample: true }, true],
  ["{ key: VM_Y, sample: true }", { key: "SIMULATED_VM_X", baseKey: "VM_X", isSample: true }, false],
]);

table("severity is one of the named ones", [
  ["{ severity: High }", {}, true],
  ["{ severity: [Low, Medium] }", {}, false],
  ["{ severity: [Low, High] }", {}, true],
  ["{ severity: High }", { severity: null }, false],
  ["{ severity: Critical }", { severity: "Critical" }, true],
]);

table("status knows that New and Active are the same, and that a deleted record has no other", [
  ["{ status: New }", {}, true],
  ["{ status: Active }", {}, true],
  ["{ status: New }", { status: "Active" }, true],
  ["{ status: Resolved }", {}, false],
  ["{ status: Resolved }", { status: "resolved", notActionable: "resolved" }, true],
  ["{ status: [Healthy, NotApplicable] }", { status: "NotApplicable", notActionable: "exempt" }, true],
  ["{ status: Active }", { status: "InProgress" }, false],
  ["{ status: Unhealthy }", { status: "Unhealthy" }, true],
  ["{ status: Unhealthy }", { status: "Unhealthy", action: "Delete" }, false],
  ["{ status: Unhealthy }", { status: "Unhealthy", notActionable: "deleted" }, false],
  ["{ status: Deleted }", { status: "Unhealthy", notActionable: "deleted" }, true],
  ["{ status: Deleted }", { status: "Unhealthy", action: "Delete" }, true],
  ["{ status: Deleted }", { status: "Unhealthy", action: "Insert" }, false],
  ["{ status: New }", { status: null }, false],
]);

table("tactics match when the signal has any of them", [
  ["{ tactics: Impact }", {}, true],
  ["{ tactics: execution }", {}, true],
  ["{ tactics: [Persistence, Impact] }", {}, true],
  ["{ tactics: Persistence }", {}, false],
  ["{ tactics: Exec }", {}, false],
  ["{ tactics: Impact }", { tactics: [] }, false],
]);

table("resourceType is a pattern over the ARM type", [
  ["{ resourceType: Microsoft.ContainerService/managedClusters }", {}, true],
  ['{ resourceType: "microsoft.containerservice/*" }', {}, true],
  ['{ resourceType: "*" }', {}, false],
  ['{ resourceType: "**" }', {}, true],
  ['{ resourceType: "microsoft.web/*" }', {}, false],
  ['{ resourceType: "**" }', { resourceType: null }, false],
]);

table("subscription and resource group are compared whole", [
  ["{ subscription: 11111111-1111-1111-1111-111111111178 }", {}, true],
  ["{ subscription: ABC-78 }", { subscriptionId: "abc-78" }, true],
  ["{ subscription: abc-78 }", { subscriptionId: "abc-789" }, false],
  ["{ subscription: abc-789 }", { subscriptionId: "abc-78" }, false],
  ["{ subscription: [abc-77, abc-78] }", { subscriptionId: "abc-78" }, true],
  ["{ subscription: abc-78 }", { subscriptionId: null }, false],
  ["{ resourceGroup: RG-PROD }", {}, true],
  ["{ resourceGroup: rg-pro }", {}, false],
  ["{ resourceGroup: rg-prod-2 }", {}, false],
  ["{ resourceGroup: [x, rg-prod] }", {}, true],
  ["{ resourceGroup: rg-prod }", { resourceIds: [] }, false],
  ["{ resourceGroup: rg-prod }", { resourceIds: ["/subscriptions/x"] }, false],
  [
    "{ resourceGroup: y }",
    { resourceIds: [CLUSTER, "/subscriptions/x/resourceGroups/y/providers/a/b/c"] },
    false,
  ],
]);

table("cluster is a name of the file or an ARM id", [
  ["{ cluster: prod }", {}, true],
  ["{ cluster: spare }", {}, false],
  ["{ cluster: [spare, prod] }", {}, true],
  ["{ cluster: spare }", { cluster: { resourceId: OTHER_CLUSTER } }, true],
  ["{ cluster: prod }", { cluster: { resourceId: OTHER_CLUSTER } }, false],
  ["{ cluster: prod }", { cluster: { resourceId: CLUSTER.toUpperCase() } }, true],
  ["{ cluster: prod }", { cluster: { resourceId: `${CLUSTER}/` } }, true],
  ["{ cluster: prod }", { cluster: { resourceId: `${CLUSTER}/agentPools/a` } }, false],
  [`{ cluster: "${CLUSTER.toLowerCase()}" }`, {}, true],
  [`{ cluster: "${CLUSTER}/agentPools/a" }`, {}, false],
  ["{ cluster: prod }", { cluster: null }, false],
]);

table("namespace is a pattern over the whole name", [
  ["{ namespace: shop }", {}, true],
  ['{ namespace: "sh*" }', {}, true],
  ["{ namespace: sho }", {}, false],
  ["{ namespace: hop }", {}, false],
  ['{ namespace: ["lab-*", "s?op"] }', {}, true],
  ['{ namespace: "*" }', { namespace: null }, false],
  ["{ namespace: touched }", { affectedNamespace: "touched" }, false],
]);

table("workload names kind and name, or one of them", [
  ['{ workload: { kind: Deployment, name: "web-*" } }', {}, true],
  ["{ workload: { kind: deployment } }", {}, true],
  ['{ workload: { name: "web-*" } }', {}, true],
  ['{ workload: { kind: DaemonSet, name: "web-*" } }', {}, false],
  ["{ workload: { kind: Deployment, name: api } }", {}, false],
  ["{ workload: { kind: [Job, Deployment], name: [api, web-front] } }", {}, true],
  ["{ workload: [{ kind: Job }, { name: web-front }] }", {}, true],
  ["{ workload: [{ kind: Job }, { name: api }] }", {}, false],
  ["{ workload: { kind: Deployment } }", { workload: null }, false],
]);

table("image is a pattern over the repository, without tag and digest", [
  ["{ image: reg.example.io:5000/team/web }", {}, true],
  ['{ image: "reg.example.io:5000/team/*" }', {}, true],
  ['{ image: "reg.example.io:5000/*" }', {}, false],
  ['{ image: "reg.example.io:5000/**" }', {}, true],
  ['{ image: "**/web" }', {}, true],
  ["{ image: reg.example.io:5000/team/web:1.2 }", {}, false],
  ["{ image: nginx }", { image: `nginx@sha256:${"a".repeat(64)}` }, true],
  ["{ image: nginx }", { image: `nginx:1.0@sha256:${"a".repeat(64)}` }, true],
  ["{ image: nginx }", { image: "docker.io/library/nginx" }, false],
  ['{ image: "**" }', { image: null, digest: `sha256:${"a".repeat(64)}` }, false],
]);

const VULNERABILITY = { cve: "CVE-2024-3094", cvss: 7, fixAvailable: true, package: "xz" };

table("finding looks at the CVE, its score and whether there is a fix", [
  ['{ finding: { cve: "CVE-2024-*" } }', { vulnerability: VULNERABILITY }, true],
  ["{ finding: { cve: cve-2024-3094 } }", { vulnerability: VULNERABILITY }, true],
  ['{ finding: { cve: "CVE-2023-*" } }', { vulnerability: VULNERABILITY }, false],
  ['{ finding: { cve: "*" } }', { vulnerability: { ...VULNERABILITY, cve: null } }, false],
  ["{ finding: { cvss: { atLeast: 7 } } }", { vulnerability: VULNERABILITY }, true],
  ["{ finding: { cvss: { atLeast: 7.1 } } }", { vulnerability: VULNERABILITY }, false],
  ["{ finding: { cvss: { atLeast: 6.9 } } }", { vulnerability: VULNERABILITY }, true],
  ["{ finding: { cvss: { atLeast: 0 } } }", { vulnerability: { ...VULNERABILITY, cvss: null } }, false],
  ["{ finding: { fixAvailable: true } }", { vulnerability: VULNERABILITY }, true],
  ["{ finding: { fixAvailable: false } }", { vulnerability: VULNERABILITY }, false],
  [
    "{ finding: { fixAvailable: false } }",
    { vulnerability: { ...VULNERABILITY, fixAvailable: false } },
    true,
  ],
  [
    "{ finding: { fixAvailable: false } }",
    { vulnerability: { ...VULNERABILITY, fixAvailable: null } },
    false,
  ],
  ["{ finding: { cvss: { atLeast: 7 }, fixAvailable: false } }", { vulnerability: VULNERABILITY }, false],
  ['{ finding: { cve: "CVE-1*", cvss: { atLeast: 7 } } }', { vulnerability: VULNERABILITY }, false],
  ["{ finding: [{ cvss: { atLeast: 9 } }, { fixAvailable: true }] }", { vulnerability: VULNERABILITY }, true],
  ["{ finding: { fixAvailable: true } }", { vulnerability: null }, false],
]);

describe("labels", () => {
  const labelled = (labels: Record<string, string> | null) => ({ labels });

  it.each([
    ["{ labels: { app: web } }", { app: "web" }, true],
    ["{ labels: { app: web } }", { app: "api" }, false],
    ['{ labels: { app: "w*", tier: [front, back] } }', { app: "web", tier: "back" }, true],
    ['{ labels: { app: "w*", tier: [front, back] } }', { app: "web" }, false],
    ['{ labels: { app: "w*", tier: front } }', { tier: "front" }, false],
    ["{ labels: [{ app: api }, { app: web }] }", { app: "web" }, true],
    ['{ labels: { toString: "*" } }', {}, false],
  ] as const)("%s on %j: %s", (when, labels, matched) => {
    expect(matches(when, aSignal(), labelled(labels))).toBe(matched);
  });

  it("do not match where nobody has read them", () => {
    expect(matches("{ labels: { app: web } }", aSignal())).toBe(false);
    expect(matches("{ labels: { app: web } }", aSignal(), labelled(null))).toBe(false);
  });
});

table("not of something unknown is true, since the guard is what refuses later", [
  ['{ not: { namespace: "lab-*" } }', {}, true],
  ['{ not: { namespace: "lab-*" } }', { namespace: "lab-1" }, false],
  ['{ not: { namespace: "lab-*" } }', { namespace: null }, true],
  ["{ not: { labels: { app: web } } }", {}, true],
]);

table("all, any and not combine", [
  ["{ all: [{ kind: alert }, { severity: High }] }", {}, true],
  ["{ all: [{ kind: alert }, { severity: Low }] }", {}, false],
  ["{ any: [{ kind: finding }, { severity: High }] }", {}, true],
  ["{ any: [{ kind: finding }, { severity: Low }] }", {}, false],
  ["{ not: [{ kind: finding }, { severity: Low }] }", {}, true],
  ["{ not: [{ kind: finding }, { severity: High }] }", {}, false],
  ["{ not: { kind: alert, severity: Low } }", {}, true],
  ["{ not: { kind: alert, severity: High } }", {}, false],
  ["{ kind: alert, any: [{ severity: Low }] }", {}, false],
  ["{ kind: finding, any: [{ severity: High }] }", {}, false],
  ["{ kind: alert, all: { severity: High }, not: { namespace: lab } }", {}, true],
]);

table("samples match only where sample is named", [
  ["{ kind: alert }", { isSample: true }, false],
  ["{ kind: alert, sample: true }", { isSample: true }, true],
  ["{ kind: alert, sample: true }", {}, false],
  ["{ kind: alert, sample: false }", { isSample: true }, false],
  ["{ kind: alert, sample: [true, false] }", { isSample: true }, true],
  ["{ kind: alert, sample: [true, false] }", {}, true],
  ["{ kind: alert, not: { sample: true } }", { isSample: true }, false],
  ["{ kind: alert, not: { sample: false } }", { isSample: true }, true],
  ["{ all: [{ kind: alert }, { sample: true }] }", { isSample: true }, true],
  ["{ any: [{ kind: finding }, { kind: alert, sample: true }] }", { isSample: true }, true],
  ["{ any: [{ all: [{ kind: alert, sample: true }] }, { kind: finding }] }", { isSample: true }, true],
  ["{ any: [{ any: [{ kind: alert, sample: true }] }, { kind: finding }] }", { isSample: true }, true],
  ["{ any: [{ not: { sample: false } }, { kind: finding }] }", { isSample: true }, true],
  // The other branch says nothing about samples, so it means none.
  ["{ any: [{ kind: finding, sample: true }, { kind: alert }] }", { isSample: true }, false],
  ["{ any: [{ kind: finding, sample: true }, { kind: alert }] }", {}, true],
  ["{ all: [{ any: [{ kind: finding, sample: true }, { kind: alert }] }] }", { isSample: true }, false],
  [
    "{ all: [{ kind: alert }], any: [{ sample: true, kind: finding }, { kind: alert }] }",
    { isSample: true },
    false,
  ],
]);

table("snapshots match only where snapshot is named", [
  ["{ kind: alert }", { isSnapshot: true }, false],
  ["{ kind: alert, snapshot: true }", { isSnapshot: true }, true],
  ["{ kind: alert, snapshot: true }", {}, false],
  ["{ kind: alert, sample: true }", { isSample: true, isSnapshot: true }, false],
  ["{ kind: alert, snapshot: [true, false] }", { isSnapshot: true }, true],
]);

table("closed records match only where status is named", [
  ["{ kind: alert }", { notActionable: "resolved", status: "Resolved" }, false],
  ["{ kind: alert }", { notActionable: "deleted" }, false],
  ["{ kind: alert }", { notActionable: "healthy" }, false],
  ["{ kind: alert }", { notActionable: "exempt" }, false],
  // These are decided: that nothing is done is for the guard to say, and on record.
  ["{ kind: alert }", { notActionable: "pattern" }, true],
  ["{ kind: alert }", { notActionable: "ambiguous" }, true],
  ["{ kind: alert }", { notActionable: "not a resource" }, true],
  ["{ kind: alert, status: [Healthy, Resolved] }", { notActionable: "healthy", status: "Healthy" }, true],
  [
    "{ any: [{ status: Healthy }, { kind: alert }] }",
    { notActionable: "resolved", status: "Resolved" },
    false,
  ],
]);
