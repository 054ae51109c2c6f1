import { describe, expect, it } from "vitest";
import { decide, parseConfiguration } from "../../src/rules/index.ts";
import { aSignal, CLUSTER, configured, DECLARED, OTHER_CLUSTER, withRules } from "./rule-fixtures.ts";

const FULL = `
mode: approve
scope:
  allow: [{ subscription: s-1, resourceGroup: rg }, { cluster: prod }, { resource: ${OTHER_CLUSTER} }]
  deny: [{ namespace: "lab-*", labels: { tier: db } }]
protected: { namespaces: ["payments-*"] }
clusters:
  - { name: prod, id: ${CLUSTER}, connect: { kubeconfig: /k, context: c } }
  - { name: spare, id: ${OTHER_CLUSTER}, connect: { kubeconfig: /k2 } }
channels:
  - { name: security, kind: teams, urlSetting: TEAMS_URL }
  - { name: post, kind: mail, serverSetting: SMTP, from: a@b, to: [c@d, e@f] }
silence: 2h
retention: 30d
rules:
  - name: miner
    when: { kind: alert, cluster: prod }
    playbooks:
      - { name: isolate-pod, ttl: 8h }
      - { name: block-image, with: { clusters: [prod, spare], tags: true } }
      - { name: scale-to-zero, with: { clusters: same } }
      - { name: notify }
    mode: enforce
    ttl: 1h30m
    cooldown: 0s
    maxAge: 2d
    notify: [security, post]
    labels: { mitre: T1496 }
    releaseWhenResolved: true
`;

describe("a configuration", () => {
  it("has defaults that watch and touch nothing", () => {
    const { hash, ...rest } = configured("mode: observe");
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(rest).toEqual({
      ceiling: "observe",
      scope: { allow: [], deny: [] },
      protectedNamespaces: [],
      clusters: [],
      channels: [],
      silenceMs: 24 * 3_600_000,
      retentionMs: 400 * 24 * 3_600_000,
      rules: [],
    });
    expect(configured("silence: 1h").ceiling).toBe("observe");
  });

  it("keeps what the file says, with clusters of the scope as ARM ids", () => {
    const { scope, protectedNamespaces, clusters, channels, silenceMs, retentionMs, ceiling } =
      configured(FULL);
    expect({ scope, protectedNamespaces, clusters, channels, silenceMs, retentionMs, ceiling }).toEqual({
      ceiling: "approve",
      scope: {
        allow: [
          { subscription: "s-1", resourceGroup: "rg" },
          { cluster: CLUSTER },
          { resource: OTHER_CLUSTER },
        ],
        deny: [{ namespace: "lab-*", labels: { tier: "db" } }],
      },
      protectedNamespaces: ["payments-*"],
      clusters: [
        { name: "prod", id: CLUSTER, kubeconfig: "/k", context: "c" },
        { name: "spare", id: OTHER_CLUSTER, kubeconfig: "/k2", context: null },
      ],
      channels: [
        { name: "security", kind: "teams", urlSetting: "TEAMS_URL" },
        { name: "post", kind: "mail", serverSetting: "SMTP", from: "a@b", to: ["c@d", "e@f"] },
      ],
      silenceMs: 7_200_000,
      retentionMs: 30 * 86_400_000,
    });
  });

  it("gives decisions the rule as it was, each playbook with its own deadline, clusters and parameters", () => {
    const configuration = configured(FULL);
    const rule = {
      name: "miner",
      mode: "enforce",
      cooldownMs: 0,
      maxAgeMs: 2 * 86_400_000,
      notify: ["security", "post"],
      labels: { mitre: "T1496" },
      releaseWhenResolved: true,
      configuration: configuration.hash,
    };
    const of = (playbook: string, ttlMs: number | null, clusters: string[] | null, parameters: object) => ({
      playbook,
      rule: { ...rule, ttlMs, parameters },
      mode: "approve",
      clusters,
    });
    expect(decide(aSignal(), configuration)).toEqual([
      of("isolate-pod", 8 * 3_600_000, null, {}),
      of("block-image", 5_400_000, [CLUSTER, OTHER_CLUSTER], { tags: true }),
      of("scale-to-zero", 5_400_000, null, {}),
      // Nothing to take back, so no deadline either.
      of("notify", null, null, {}),
    ]);
  });

  it("gives a rule that says little an hour of cooldown, a day of age, and observes", () => {
    const configuration = withRules("{ name: r, when: { kind: alert }, playbooks: [{ name: isolate-pod }] }");
    expect(decide(aSignal(), configuration)).toEqual([
      {
        playbook: "isolate-pod",
        rule: {
          name: "r",
          mode: "observe",
          ttlMs: null,
          cooldownMs: 3_600_000,
          maxAgeMs: 86_400_000,
          notify: [],
          labels: {},
          parameters: {},
          releaseWhenResolved: false,
          configuration: configuration.hash,
        },
        mode: "observe",
        clusters: null,
      },
    ]);
  });

  it("takes one cluster without a list", () => {
    const configuration = withRules(
      "{ name: r, when: { kind: alert }, playbooks: [{ name: block-image, with: { clusters: spare } }] }",
    );
    expect(decide(aSignal(), configuration).map(({ clusters }) => clusters)).toEqual([[OTHER_CLUSTER]]);
  });

  it("lets rules repeat a list by an alias", () => {
    const configuration = withRules(
      "{ name: r, when: &w { kind: alert }, playbooks: [{ name: notify }] }",
      "{ name: s, when: *w, playbooks: [{ name: isolate-pod }] }",
    );
    expect(decide(aSignal(), configuration).map(({ playbook }) => playbook)).toEqual([
      "notify",
      "isolate-pod",
    ]);
  });
});

describe("the hash of a configuration", () => {
  const rule = (mode: string, ttl: string) =>
    `{ name: r, when: { kind: alert }, playbooks: [{ name: isolate-pod }], mode: ${mode}, ttl: ${ttl} }`;

  it("does not change with comments, order of keys, spelling of durations or defaults that are written out", () => {
    const one = configured(`# a\nmode: observe\nrules:\n  - ${rule("observe", "1h")}\n`);
    const two = configured(
      "rules:\n  - { ttl: 60m, playbooks: [{ name: isolate-pod }], when: { kind: [alert] }, name: r }\nmode: observe\nsilence: 1d\n",
    );
    expect(two.hash).toBe(one.hash);
  });

  it("changes with each thing that is said otherwise", () => {
    const texts = [
      "mode: observe",
      "mode: approve",
      "silence: 1h",
      "retention: 1d",
      "protected: { namespaces: [a] }",
      "scope: { deny: [{ namespace: a }] }",
      "scope: { allow: [{ namespace: a }] }",
      `rules:\n  - ${rule("observe", "1h")}`,
      `rules:\n  - ${rule("approve", "1h")}`,
      `rules:\n  - ${rule("observe", "2h")}`,
    ];
    expect(new Set(texts.map((text) => configured(text).hash)).size).toBe(texts.length);
  });
});

describe("warnings", () => {
  it("name each rule that goes beyond observe, where its mode stands", () => {
    const rules = ["off", "observe", "approve", "enforce"].map(
      (mode) => `  - { name: ${mode}, mode: ${mode}, when: { kind: alert }, playbooks: [{ name: notify }] }`,
    );
    const parsed = parseConfiguration(`mode: off\nrules:\n${rules.join("\n")}\n`, "f.yaml", DECLARED);
    expect("warnings" in parsed && parsed.warnings).toEqual([
      {
        file: "f.yaml",
        line: 5,
        column: 28,
        message: expect.stringContaining("rule approve goes beyond observe"),
      },
      {
        file: "f.yaml",
        line: 6,
        column: 28,
        message: expect.stringContaining("rule enforce goes beyond observe"),
      },
    ]);
  });

  it("are none where everything observes", () => {
    const parsed = parseConfiguration("mode: enforce", "f.yaml", DECLARED);
    expect("warnings" in parsed && parsed.warnings).toEqual([]);
  });
});
