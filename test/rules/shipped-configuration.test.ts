import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { highestMode } from "../../src/model/mode-at.ts";
import type { Signal } from "../../src/model/signal.ts";
import { playbooks } from "../../src/playbooks/index.ts";
import { decide, parseConfiguration } from "../../src/rules/index.ts";
import { aSignal } from "./rule-fixtures.ts";

const parsed = parseConfiguration(
  readFileSync(new URL("../../reflex.yaml", import.meta.url), "utf8"),
  "reflex.yaml",
  playbooks,
);

function shipped() {
  if ("errors" in parsed) {
    throw new Error(
      parsed.errors.map(({ line, column, message }) => `${line}:${column} ${message}`).join("\n"),
    );
  }
  return parsed;
}

/** Playbooks with the rule that decided for each. */
function answer(overrides: Partial<Signal>): Record<string, string> {
  const decisions = decide(aSignal(overrides), shipped().configuration);
  return Object.fromEntries(decisions.map(({ playbook, rule }) => [playbook, rule.name]));
}

const alert = (key: string) => answer({ key, baseKey: key });

const CONTROL_PLANE =
  "ExposedPostgresTrustAuth ExposedPostgresBroadIPRange AbnormalMiActivity ServiceAccountRareOperation AnomalousSecretAccess SensitiveMount PrivilegedContainer CoreDnsModification AdmissionController MaliciousContainerImage ExposedKubeflow ExposedService ExposedDashboard ExposedRedis TI_Proxy DeleteEvents PenTestToolsKubeHunter KubeSystemContainer HighPrivilegesRole ClusterAdminBinding";
const SENSOR =
  "NamespaceCreation HistoryFileCleared SuspectConnection TimerServiceDisabled CommonBot PrivilegedExecutionInContainer PrivilegedContainerArtifacts SuspectDownload SuspectDownloadArtifacts SuspectNohup SuspectUserAddition DigitalCurrencyMining CryptoCoinMinerArtifacts CryptoCoinMinerDownload CryptoCoinMinerExecution ImageBuildOnNode KnownLinuxDDoSToolkit EICAR KnownLinuxAttackTool LinuxBackdoorArtifact ExploitAttempt KnownLinuxCredentialAccessTool SystemLogRemoval SuspectPasswordChange SuspectPortForwarding ReverseShell SshKeyAccess SuspectProcessTermination ContainerSSH TimestampTampering KubernetesAPI KubernetesDashboard SuspectPasswordFileAccess Webshell ReconnaissanceArtifactsBurst DownloadAndRunCombo KubeConfigAccess ImdsCall MitreCalderaTools DriftDetection DriftBlocked MalwareBlocked";

/** Alert types that Defender for Containers is known to raise. */
const ALERT_TYPES = [
  ...CONTROL_PLANE.split(" ").map((name) => `K8S_${name}`),
  ...SENSOR.split(" ").map((name) => `K8S.NODE_${name}`),
];

/** Keys of recommendations about clusters, their workloads, images and registries. */
const RECOMMENDATIONS = [
  "5d90913f-a1c5-4429-ad54-2c6c17fb3c73",
  "43dc2a2e-ce69-4d42-923e-ab7d136f2cfe",
  "9b795646-9130-41a4-90b7-df9eae2437c8",
  "27d6f0e9-b4d5-468b-ae7e-03d5473fd864",
  "405c9ae6-49f9-46c4-8873-a86690f27818",
  "8d244d29-fa00-4332-b935-c3a51d525417",
  "802c0637-5a8c-4c98-abd7-7c96d89d6010",
  "11c95609-3553-430d-b788-fd41cde8b2db",
  "f0debc84-981c-4a0d-924d-aa4bd7d55fef",
  "ebc68898-5c0f-4353-a426-4a5f1e737b12",
  "add45209-73f6-4fa5-a5a5-74a451b07fbe",
  "ff87e0b4-17df-d338-5b19-80e71e0dcc9d",
  "c6d87087-9ebe-b31f-b452-0bf3bbbaccd2",
  "1a2b5b4c-f80d-46e7-ac81-b51a9fb363de",
  "b0fdc63a-38e7-4bab-a7c4-2c2665abbaa9",
  "56a83a6e-c417-42ec-b567-1e6fcb3d09a9",
  "08e628db-e2ed-4793-bc91-d13e684401c3",
  "bb318338-de6a-42ff-8428-8274c897d564",
  "c609cf0f-71ab-41e9-a3c6-9a1f7fe1b8d5",
  "e9acaf48-d2cf-45a3-a6e7-3caa2ef769e0",
  "3ef9848c-c2c8-4ff3-8b9c-4c8eb8ddfce6",
  "0642d770-b189-42ef-a2ce-9dcc3ec6c169",
  "c0b7cfc6-3172-465a-b378-53c7ff2cc0d5",
  "33422d8f-ab1e-42be-bc9a-38685bb567b9",
  "dbd0cb49-b563-45e7-9724-889e799fa648",
  "9b828565-a0ed-61c2-6bf3-1afc99a9b2ca",
  "13e7d036-6903-821c-6018-962938929bf0",
  "af560c4d-9c05-e073-b9f1-f7a94958ff25",
];

/** Those of which new pods can be held to the rule. */
const POD_RULES = [
  "5d90913f-a1c5-4429-ad54-2c6c17fb3c73",
  "43dc2a2e-ce69-4d42-923e-ab7d136f2cfe",
  "27d6f0e9-b4d5-468b-ae7e-03d5473fd864",
  "802c0637-5a8c-4c98-abd7-7c96d89d6010",
];

describe("the shipped reflex.yaml", () => {
  it("is right, and warns of nothing, since every rule and the ceiling only observe", () => {
    const { configuration, warnings } = shipped();
    expect(warnings).toEqual([]);
    expect(configuration.ceiling).toBe("observe");
    expect(new Set(configuration.rules.map(highestMode))).toEqual(new Set(["observe"]));
    expect(configuration.rules.length).toBeGreaterThan(20);
  });

  it("gives each containment a deadline, rungs included, but for the drill, which never contains", () => {
    const contains = (name: string) => playbooks.find((one) => one.name === name)?.kind === "containment";
    const open = shipped().configuration.rules.flatMap(({ name, playbooks: listed }) =>
      listed
        .flatMap((one) => [one, ...(one.rungs ?? []).map((rung) => ({ ...rung, name: rung.playbook }))])
        .filter((one) => contains(one.name) && one.ttlMs === null)
        .map(() => name),
    );
    expect(new Set(open)).toEqual(new Set(["drill-eicar"]));
  });

  it("uses each container playbook that an alert or a recommendation may begin", () => {
    const used = shipped().configuration.rules.flatMap(({ playbooks: listed }) =>
      listed.flatMap(({ name, rungs = [] }) => [name, ...rungs.map(({ playbook }) => playbook)]),
    );
    // What ends pods, or only holds them, is for people and for other playbooks' parameters.
    const byHand = ["terminate-pod", "drain-node-except", "hold-workload"];
    expect([...new Set([...used, ...byHand])].toSorted()).toEqual(
      playbooks.map(({ name }) => name).toSorted(),
    );
  });

  it.each(ALERT_TYPES)("names %s and tells people of it", (key) => {
    const decided = alert(key);
    expect(decided["notify"]).toBeDefined();
    expect(decided["notify"]).not.toBe("unknown-container-alert");
    expect(decided["notify"]).not.toBe("other-alerts");
  });

  it.each([
    ["K8S.NODE_DigitalCurrencyMining", ["isolate-pod", "block-image", "notify", "scale-to-zero"]],
    ["K8S.NODE_CryptoCoinMinerDownload", ["isolate-pod", "block-image", "notify", "scale-to-zero"]],
    ["K8S_MaliciousContainerImage", ["isolate-pod", "block-image", "notify", "scale-to-zero"]],
    ["K8S.NODE_ReverseShell", ["isolate-pod", "notify", "deny-exec"]],
    ["K8S.NODE_LinuxBackdoorArtifact", ["isolate-pod", "notify", "block-image"]],
    ["K8S.NODE_DriftDetection", ["isolate-pod", "notify"]],
    ["K8S.NODE_ImdsCall", ["restrict-egress", "notify"]],
    ["K8S.NODE_KubeConfigAccess", ["restrict-egress", "notify", "revoke-service-account"]],
    ["K8S.NODE_ExploitAttempt", ["notify", "isolate-pod"]],
    ["K8S.NODE_SuspectDownload", ["notify"]],
    ["K8S.NODE_DriftBlocked", ["notify"]],
    ["K8S.NODE_MalwareBlocked", ["notify"]],
    ["K8S.NODE_EICAR", ["isolate-pod", "scale-to-zero", "block-image", "notify"]],
    ["K8S.NODE_ImageBuildOnNode", ["notify"]],
    ["K8S_ClusterAdminBinding", ["notify", "remove-role-binding"]],
    ["K8S_AdmissionController", ["disable-webhook", "notify"]],
    ["K8S_CoreDnsModification", ["notify"]],
    ["K8S_ExposedRedis", ["restrict-service-sources", "notify"]],
    ["K8S_PrivilegedContainer", ["scale-to-zero", "notify"]],
    ["K8S_SomethingNew", ["notify"]],
    ["K8S.NODE_SomethingNew", ["notify"]],
    ["VM_SshBruteForceFailed", ["notify"]],
    ["Storage.Blob_TorAnomaly", ["notify"]],
  ])("answers %s by %j", (key, wanted) => {
    // Evidence is kept of every pod that a container alert names.
    const evidence = key.startsWith("K8S") ? ["collect-evidence"] : [];
    expect(Object.keys(alert(key)).toSorted()).toEqual([...new Set([...wanted, ...evidence])].toSorted());
  });

  it("tells of alerts that no rule names, apart for containers and everything else", () => {
    const unknown = "unknown-container-alert";
    expect(alert("K8S.NODE_SomethingNew")).toEqual({ "collect-evidence": unknown, notify: unknown });
    expect(alert("VM_SshBruteForceFailed")).toEqual({ notify: "other-alerts" });
    expect(answer({ key: null, baseKey: null })).toEqual({ notify: "other-alerts" });
  });

  it("tells of portal samples and does nothing else about them", () => {
    const sample = { key: "SIMULATED_K8S.NODE_Webshell", baseKey: "K8S.NODE_Webshell", isSample: true };
    expect(answer({ ...sample, notActionable: "sample" })).toEqual({ notify: "drill-portal-samples" });
  });

  it.each(RECOMMENDATIONS)("tells of the recommendation %s while it is unhealthy", (key) => {
    const recommendation = { kind: "recommendation", key, baseKey: key } as const;
    const wanted = POD_RULES.includes(key) ? ["enforce-pod-rules", "notify"] : ["notify"];
    expect(Object.keys(answer({ ...recommendation, status: "Unhealthy" }))).toEqual(wanted);
    expect(answer({ ...recommendation, status: "Healthy", notActionable: "healthy" })).toEqual({});
    expect(answer({ ...recommendation, status: "NotApplicable" })).toEqual({});
    expect(answer({ ...recommendation, status: "Unhealthy", action: "Delete" })).toEqual({});
    expect(answer({ ...recommendation, status: "Unhealthy", isSnapshot: true })).toEqual({});
  });

  it("tells of grave findings on images, and leaves the others and those on machines alone", () => {
    const finding = { kind: "finding", status: "Unhealthy", severity: "High" } as const;
    const onRegistry = "c0b7cfc6-3172-465a-b378-53c7ff2cc0d5";
    expect(answer({ ...finding, key: null, baseKey: null })).toEqual({ notify: "image-finding" });
    expect(answer({ ...finding, image: null, key: onRegistry, baseKey: onRegistry })).toEqual({
      notify: "image-finding",
    });
    expect(answer({ ...finding, severity: "Low" })).toEqual({});
    expect(answer({ ...finding, image: null, key: "1195afff", baseKey: "1195afff" })).toEqual({});
  });

  it("keeps images with grave findings that have a fix from starting where they run, and no others", () => {
    const key = "c609cf0f-71ab-41e9-a3c6-9a1f7fe1b8d5";
    const grave = { cve: "CVE-1", cvss: 9.8, fixAvailable: true, package: null };
    const finding = { kind: "finding", status: "Unhealthy", severity: "High", key, baseKey: key } as const;
    expect(answer({ ...finding, vulnerability: grave })["block-image"]).toBe("block-grave-finding");
    for (const milder of [{ cvss: 8.9 }, { fixAvailable: false }]) {
      expect(answer({ ...finding, vulnerability: { ...grave, ...milder } })).not.toHaveProperty(
        "block-image",
      );
    }
  });

  it("tells of failed compliance controls and of nothing else that is no alert, recommendation or finding", () => {
    expect(answer({ kind: "other", otherKind: "secureScore" })).toEqual({});
    const control = { kind: "other", otherKind: "regulatoryCompliance" } as const;
    expect(answer({ ...control, status: "Failed" })).toEqual({ notify: "compliance" });
    expect(answer({ ...control, status: "Passed" })).toEqual({});
    expect(
      answer({ kind: "recommendation", key: "1195afff", baseKey: "1195afff", status: "Unhealthy" }),
    ).toEqual({});
  });

  it("stays right when its commented examples are taken in", () => {
    const text = readFileSync(new URL("../../reflex.yaml", import.meta.url), "utf8")
      // What an example takes the place of.
      .replace(/^(?:clusters|channels|exceptions|access| {2}deny): \[\]\n/gm, "")
      .replace(/^ {4}playbooks: .*\n(?= {4}# playbooks:)/gm, "")
      .replace(
        /^( *)# (?=(?:deny|clusters|channels|exceptions|access|playbooks):|- | {2,4}(?:- |id:|connect:|when:|playbooks:))/gm,
        "$1",
      )
      .replaceAll("…", "x");
    const taken = parseConfiguration(text, "reflex.yaml", playbooks);
    expect("errors" in taken ? taken.errors : []).toEqual([]);
    const { clusters, channels, scope, rules, exceptions, access } =
      "configuration" in taken ? taken.configuration : shipped().configuration;
    expect(clusters.map(({ name }) => name)).toEqual(["prod"]);
    expect(channels.map(({ name }) => name)).toEqual(["security", "security-mail"]);
    expect(scope.deny).toEqual([
      { namespace: "legacy-*" },
      { labels: { tier: "critical" } },
      { tags: { environment: "production" } },
    ]);
    expect(exceptions.map(({ name }) => name)).toEqual(["nightly-batch"]);
    expect(access.map(({ role }) => role)).toEqual(["Reflex.Approve"]);
    expect(rules.length).toBe(shipped().configuration.rules.length + 1);
    expect(rules.find(({ name }) => name === "block-grave-findings")?.playbooks[0]?.clusters).toHaveLength(1);
    expect(rules.find(({ name }) => name === "suspicious-activity")?.playbooks).toHaveLength(3);
  });
});
