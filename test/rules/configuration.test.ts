import { describe, expect, it } from "vitest";
import { hashOf } from "../../src/model/canonical-json.ts";
import { decide } from "../../src/rules/index.ts";
import { aSignal, CLUSTER, configured, OTHER_CLUSTER, withRules } from "./rule-fixtures.ts";

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
    scope: { allow: [{ managementGroup: mg-prod }], deny: [{ tags: { keep: "yes" } }] }
    windows:
      - { days: weekend, from: "00:00", to: "00:00", timezone: Europe/Berlin, mode: observe }
      - { from: "08:00", to: "18:30", timezone: UTC, mode: approve }
    whenOld: notify
    perHour: 3
    approveWithin: 2h
`;

describe("a configuration", () => {
  it("has defaults that watch and touch nothing", () => {
    const { hash, content, ...rest } = configured("mode: observe");
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(hash).toBe(hashOf(content));
    expect(rest).toEqual({
      ceiling: "observe",
      scope: { allow: [], deny: [] },
      protectedNamespaces: [],
      clusters: [],
      channels: [],
      silenceMs: 24 * 3_600_000,
      retentionMs: 400 * 24 * 3_600_000,
      auditRetentionMs: null,
      rules: [],
      exceptions: [],
      budgets: {
        perPlaybook: 20,
        perRule: 20,
        perCluster: 30,
        perNamespace: 10,
        perSubscription: 50,
        shareOfWorkload: 0.5,
        shareOfNamespace: 0.5,
        messagesPerChannel: 60,
      },
      breaker: { after: 3, withinMs: 24 * 3_600_000 },
      access: [],
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
        {
          name: "prod",
          id: CLUSTER,
          aliases: [],
          connect: [{ kind: "kubeconfig", kubeconfig: "/k", context: "c" }],
        },
        {
          name: "spare",
          id: OTHER_CLUSTER,
          aliases: [],
          connect: [{ kind: "kubeconfig", kubeconfig: "/k2", context: null }],
        },
      ],
      channels: [
        { name: "security", kind: "teams", urlSetting: "TEAMS_URL" },
        { name: "post", kind: "mail", serverSetting: "SMTP", from: "a@b", to: ["c@d", "e@f"] },
      ],
      silenceMs: 7_200_000,
      retentionMs: 30 * 86_400_000,
    });
  });

  it("keeps several ways to one cluster in their order, and takes a list of one for that one", () => {
    const file = (connect: string): string =>
      `clusters:\n  - { name: a, id: ${CLUSTER}, connect: ${connect} }\n`;
    const { clusters } = configured(
      file(
        '[{ aks: entra }, { token: { server: "https://a", tokenSetting: T } }, { token: { server: "https://a", caSetting: C, tokenSecret: "https://v.vault.azure.net/secrets/t" } }]',
      ),
    );
    expect(clusters[0]?.connect).toEqual([
      { kind: "aks-entra" },
      { kind: "token", server: "https://a", caSetting: null, tokenSetting: "T" },
      {
        kind: "vault-token",
        server: "https://a",
        caSetting: "C",
        caSecret: null,
        tokenSecret: "https://v.vault.azure.net/secrets/t",
      },
    ]);
    expect(configured(file("[{ aks: entra }, { runCommand: true }]")).clusters[0]?.connect).toEqual([
      { kind: "aks-entra" },
      { kind: "run-command" },
    ]);
    const [one, listed] = ["{ aks: entra }", "[{ aks: entra }]"].map((connect) => configured(file(connect)));
    expect(one?.hash).toBe(listed?.hash);
    expect(one?.clusters).toEqual(listed?.clusters);
  });

  it("takes Flux for a cluster that is connected through Arc, by any of its ids", () => {
    const aro = "/subscriptions/s/resourceGroups/g/providers/Microsoft.RedHatOpenShift/openShiftClusters/c";
    const arc = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Kubernetes/connectedClusters/c";
    const flux = "flux: { container: https://a12.blob.core.usgovcloudapi.net/c-1/, configuration: reflex }";
    const { clusters } = configured(
      `clusters:\n  - { name: a, id: ${aro}, aliases: [${arc}], connect: { ${flux} } }\n`,
    );
    expect(clusters[0]?.connect).toEqual([
      {
        kind: "flux",
        container: "https://a12.blob.core.usgovcloudapi.net/c-1/",
        configuration: "reflex",
      },
    ]);
  });

  it("keeps each way to reach a cluster, and the further ids of one", () => {
    const { clusters } = configured(`clusters:
  - { name: a, id: ${CLUSTER}, connect: { aks: entra } }
  - { name: b, id: ${OTHER_CLUSTER}, aliases: [${CLUSTER}-3], connect: { token: { server: "https://b:6443", tokenSetting: T } } }
  - { name: c, id: ${CLUSTER}-4, connect: { token: { server: "https://c", caSetting: C, tokenSetting: T } } }
`);
    expect(clusters).toEqual([
      { name: "a", id: CLUSTER, aliases: [], connect: [{ kind: "aks-entra" }] },
      {
        name: "b",
        id: OTHER_CLUSTER,
        aliases: [`${CLUSTER}-3`],
        connect: [{ kind: "token", server: "https://b:6443", caSetting: null, tokenSetting: "T" }],
      },
      {
        name: "c",
        id: `${CLUSTER}-4`,
        aliases: [],
        connect: [{ kind: "token", server: "https://c", caSetting: "C", tokenSetting: "T" }],
      },
    ]);
  });

  it("keeps budgets, breaker, exceptions and access, each part in one form", () => {
    const { budgets, breaker, exceptions, access } = configured(`${FULL}
budgets: { perPlaybook: 0, perRule: 1, perCluster: 2, perNamespace: 3, perSubscription: 1000, shareOfWorkload: 12.5%, shareOfNamespace: 1, messagesPerChannel: 7 }
breaker: { after: 2, within: 1h }
exceptions:
  - { name: batch, owner: data team, reason: mines by trade, until: 2026-12-31, rule: miner, where: { cluster: prod, tags: { owner: data } } }
  - { name: keys, owner: a@b, reason: r, until: "2026-03-01T10:00:00+02:00", playbook: notify, key: "K8S_*" }
access:
  - { role: Reflex.Run, to: ABCDEF00-1111-4222-8333-444444444444, scope: { allow: [{ cluster: prod }] } }
  - { role: Reflex.Approve, scope: { deny: [{ namespace: payments }] } }
`);
    expect({ budgets, breaker, exceptions, access }).toEqual({
      budgets: {
        perPlaybook: 0,
        perRule: 1,
        perCluster: 2,
        perNamespace: 3,
        perSubscription: 1000,
        shareOfWorkload: 0.125,
        shareOfNamespace: 1,
        messagesPerChannel: 7,
      },
      breaker: { after: 2, withinMs: 3_600_000 },
      exceptions: [
        {
          name: "batch",
          owner: "data team",
          reason: "mines by trade",
          // The whole of that day.
          until: "2027-01-01T00:00:00.000Z",
          rule: "miner",
          playbook: null,
          key: null,
          where: { cluster: CLUSTER, tags: { owner: "data" } },
        },
        {
          name: "keys",
          owner: "a@b",
          reason: "r",
          until: "2026-03-01T08:00:00.000Z",
          rule: null,
          playbook: "notify",
          key: "K8S_*",
          where: null,
        },
      ],
      access: [
        {
          role: "Reflex.Run",
          to: ["abcdef00-1111-4222-8333-444444444444"],
          scope: { allow: [{ cluster: CLUSTER }], deny: [] },
        },
        { role: "Reflex.Approve", to: [], scope: { allow: [], deny: [{ namespace: "payments" }] } },
      ],
    });
  });

  it("keeps histories for ever, or for as long as the file says", () => {
    expect(configured("auditRetention: 800d").auditRetentionMs).toBe(800 * 24 * 3_600_000);
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
      scope: { allow: [{ managementGroup: "mg-prod" }], deny: [{ tags: { keep: "yes" } }] },
      windows: [
        { days: ["sat", "sun"], from: "00:00", to: "00:00", timezone: "Europe/Berlin", mode: "observe" },
        {
          days: ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
          from: "08:00",
          to: "18:30",
          timezone: "UTC",
          mode: "approve",
        },
      ],
      whenOld: "notify",
      perHour: 3,
      approvalMs: 2 * 3_600_000,
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
          scope: { allow: [], deny: [] },
          windows: [],
          whenOld: "record",
          perHour: null,
          approvalMs: 24 * 3_600_000,
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
      "scope: { allow: [{ managementGroup: a }] }",
      "scope: { allow: [{ tags: { a: b } }] }",
      "budgets: { perRule: 1 }",
      "budgets: { shareOfWorkload: 10% }",
      "breaker: { after: 1 }",
      "exceptions: [{ name: e, owner: o, reason: r, until: 2026-01-01, playbook: notify }]",
      "exceptions: [{ name: e, owner: o, reason: r, until: 2026-01-02, playbook: notify }]",
      "access: [{ role: Reflex.Run, scope: { deny: [{ namespace: a }] } }]",
      `rules:\n  - ${rule("observe, perHour: 1", "1h")}`,
      `rules:\n  - ${rule("observe, whenOld: approve", "1h")}`,
      `rules:\n  - ${rule("observe, approveWithin: 1h", "1h")}`,
      `rules:\n  - ${rule("observe, scope: { deny: [{ namespace: a }] }", "1h")}`,
      `rules:\n  - ${rule('observe, windows: [{ from: "01:00", to: "02:00", timezone: UTC, mode: approve }]', "1h")}`,
      `rules:\n  - ${rule("observe", "1h")}`,
      `rules:\n  - ${rule("approve", "1h")}`,
      `rules:\n  - ${rule("observe", "2h")}`,
    ];
    expect(new Set(texts.map((text) => configured(text).hash)).size).toBe(texts.length);
  });
});
