import { describe, expect, it } from "vitest";
import { parseConfiguration } from "../../src/rules/index.ts";
import { CLUSTER, DECLARED, errorsOf } from "./rule-fixtures.ts";

/**
 * A file in which `«` marks where the error must be told. It is taken out before parsing, so line and column follow
 * from the mark and cannot drift from the text.
 */
function marked(text: string): { text: string; line: number; column: number } {
  const at = text.indexOf("«");
  const before = text.slice(0, at).split("\n");
  return {
    text: text.replace("«", ""),
    line: before.length,
    column: (before.at(-1) ?? "").length + 1,
  };
}

function expectOneError(source: string, message: string): void {
  const { text, line, column } = marked(source);
  expect(errorsOf(text)).toEqual([
    { file: "reflex.yaml", line, column, message: expect.stringContaining(message) },
  ]);
}

const rule = (line: string) =>
  `mode: observe\nrules:\n  - name: r\n    when: { kind: alert }\n    playbooks: [{ name: notify }]\n    ${line}\n`;
const when = (clauses: string) =>
  `rules:\n  - name: r\n    playbooks: [{ name: notify }]\n    when: ${clauses}\n`;
const playbook = (entry: string) =>
  `clusters:\n  - { name: prod, id: ${CLUSTER}, connect: { kubeconfig: k } }\nrules:\n  - name: r\n    when: { kind: alert }\n    playbooks:\n      - ${entry}\n`;

const connect = (how: string, id = CLUSTER) => `clusters:\n  - name: p\n    id: ${id}\n    connect: ${how}\n`;

describe("YAML that cannot be read, or in two ways", () => {
  it.each([
    ["a: [1«", "correct the YAML here"],
    ["mode: observe\n«\tsilence: 1h", "Tabs"],
    ["mode: observe\n«mode: enforce", "remove one of the two"],
    ["rules:\n  - name: a\n    «name: b", "remove one of the two"],
    ["mode: observe\n«---\nmode: enforce", "keep one document"],
    ["mode: «!!binary aGk=", "Unresolved tag"],
    ["mode: «*nowhere", "no anchor &nowhere"],
    ["rules: &r\n  - when: «*r", "stands inside what it repeats"],
    ["protected:\n  «__proto__: { namespaces: [] }", "__proto__"],
    ["? «[a]\n: b", "strings"],
    ["mode: «@x", "correct the YAML here"],
  ])("%j", (source, message) => {
    expectOneError(source, message);
  });

  it("is refused when aliases expand without bound, at the first of them", () => {
    const level = (name: string, of: string) =>
      `${name}: &${name} [${Array.from({ length: 9 }, () => of).join(", ")}]\n`;
    const bomb = level("a", "x") + level("b", "*a") + level("c", "*b") + level("d", "*c");
    expectOneError(bomb.replace("*a", "«*a"), "expand to more than 100 copies");
  });

  it("is refused when it is nested without end, by an error and not by a crash", () => {
    for (const depth of [100, 20_000]) {
      const errors = errorsOf(`rules: ${"[".repeat(depth)}${"]".repeat(depth)}`);
      expect(errors).toHaveLength(1);
      expect(errors[0]?.message).toContain("nested too deeply");
    }
  });

  it("is refused when it holds nothing", () => {
    for (const text of ["", "# nothing\n", "---\n"]) {
      expect(errorsOf(text)).toEqual([
        {
          file: "reflex.yaml",
          line: 1,
          column: expect.any(Number),
          message: expect.stringContaining("no configuration"),
        },
      ]);
    }
  });

  it("is refused when it is no group of keys", () => {
    expectOneError("«- a", "must be a group of keys, not a list");
  });
});

describe("keys and words that are not known", () => {
  it.each([
    ["«modes: observe", 'unknown key "modes"; did you mean "mode"?'],
    ["«zzzzzzzz: 1", 'unknown key "zzzzzzzz"; known here: mode, scope, protected'],
    ["mode: «enforse", '"enforse" is not known here; did you mean "enforce"?'],
    ["mode: «42", "42 is not known here; write one of off, observe, approve, enforce"],
    ["scope: { «exclude: [] }", 'unknown key "exclude"'],
    ["scope:\n  deny: [{ «namespaces: x }]", 'did you mean "namespace"?'],
    [rule("«colldown: 1h"), 'did you mean "cooldown"?'],
    [rule("mode: «Enforce"), 'did you mean "enforce"?'],
    [rule("notify: [«security]"), '"security" is not a channel of this file; none is defined in this file'],
    [when("{ «severty: High }"), 'did you mean "severity"?'],
    [when("{ severity: [High, «high] }"), 'did you mean "High"?'],
    [when("{ kind: alert, not: { «namespce: x } }"), 'did you mean "namespace"?'],
    [when("{ any: [{ kind: alert }, { «knd: x }] }"), 'did you mean "kind"?'],
    [when("{ finding: { cvss: { atLeast: 1, «moreThan: 7 } } }"), "known here: atLeast"],
    [when("{ status: «Resolvd }"), 'did you mean "Resolved"?'],
    [when("{ cluster: «prod }"), '"prod" is not a cluster of this file'],
    [when("{ cluster: «/prod }"), "write a whole ARM id"],
    ["scope: { allow: [{ cluster: «prod }] }", '"prod" is not a cluster of this file'],
    [playbook("{ name: «isolate-pd }"), '"isolate-pd" is not a playbook; did you mean "isolate-pod"?'],
    [playbook("{ name: block-image, with: { clusters: «prd } }"), 'did you mean "prod"?'],
    [playbook("{ name: block-image, with: { clusters: [prod, «sme] } }"), 'did you mean "same"?'],
    [playbook("{ name: notify, with: { «chanels: [] } }"), "nothing may stand here, remove it"],
    [playbook("{ name: isolate-pod, with: { «grace: 1 } }"), "nothing may stand here, remove it"],
    ["channels: [{ name: a, kind: «team, urlSetting: A }]", 'did you mean "teams"?'],
    ["channels: [{ name: a, kind: «irc, urlSetting: A }]", "write one of teams, mail"],
  ])("%s", (source, message) => {
    expectOneError(source, message);
  });
});

describe("values of the wrong form", () => {
  it.each([
    ["silence: «8", "8 is not a usable duration"],
    ["retention: «400x", '"400x" is not a usable duration; write days'],
    ["silence: «0s", "not a usable duration"],
    ["auditRetention: «399d", "is shorter than retention"],
    ["auditRetention: «1x", "not a usable duration"],
    [rule("ttl: «0s"), "not a usable duration"],
    [rule("maxAge: «999ms"), "not a usable duration"],
    [rule("cooldown: «-1h"), "not a usable duration"],
    [rule("labels: { cis: «5.2 }"), "must be a text, not 5.2; put it in quotes"],
    [rule("releaseWhenResolved: «soon"), 'must be true or false, not "soon"'],
    ["protected: { namespaces: [ok, «'(x)'] }", "cannot be read"],
    ["scope: { deny: [{ namespace: «'[z-a]' }] }", "cannot be read"],
    [when("{ key: «'K8S.(x)*' }"), "cannot be read"],
    [when("{ key: «'' }"), "an empty pattern"],
    [when("{ key: [«'*a*b*c*'] }"), "more than 3 stars"],
    [when("{ tactics: «Defense Evasion }"), "in one word"],
    [when("{ subscription: «/subscriptions/1 }"), "the subscription's id alone"],
    [when("{ resourceGroup: «/subscriptions/1/resourceGroups/x }"), "the resource group's name alone"],
    [when("{ sample: «often }"), "must be true or false"],
    [when("{ finding: { cvss: { atLeast: «11 } } }"), "must be at most 10"],
    [when("{ finding: { cvss: { atLeast: «-1 } } }"), "must be at least 0"],
    [when("«{}"), "is empty; name at least one part"],
    [when("{ kind: alert, not: «{} }"), "is empty; name at least one part"],
    [when("{ labels: «{} }"), "is empty; name at least one part"],
    [when("{ workload: [«{}] }"), "is empty; name at least one part"],
    [when("{ finding: «{} }"), "is empty; name at least one part"],
    [when("{ all: «[] }"), "must not be empty"],
    ["scope: { deny: [«{}] }", "is empty; name at least one part"],
    ["scope: { deny: [{ labels: «{} }] }", "is empty; name at least one part"],
    ["scope: { allow: [{ resource: «/subscriptions/1 }] }", "write a whole ARM id"],
    ["clusters: [{ name: p, id: «prod, connect: { kubeconfig: k } }]", "write a whole ARM id"],
    [
      `clusters: [{ name: «same, id: ${CLUSTER}, connect: { kubeconfig: k } }]`,
      "give this cluster another name",
    ],
    [`clusters: [{ name: «a b, id: ${CLUSTER}, connect: { kubeconfig: k } }]`, "write letters, digits"],
    ["channels: [{ name: a, kind: teams, urlSetting: «'https://x' }]", "never the address itself"],
    ["channels: [{ name: a, kind: mail, serverSetting: S, from: «x, to: [a@b] }]", "write a mail address"],
    ["channels: [{ name: a, kind: mail, serverSetting: S, from: a@b, to: «[] }]", "must not be empty"],
    [playbook("«notify"), 'must be a group of keys, not "notify"'],
    [playbook("{ name: block-image, with: { tags: «7 } }"), "must be true or false, not 7"],
    [playbook("{ name: block-image, with: { limit: «10 } }"), "must be at most 9"],
    [playbook("{ name: block-image, with: { clusters: «{ a: b } } }"), "must be a text, not a group of keys"],
    [playbook("{ name: block-image, with: { clusters: «[] } }"), "must not be empty"],
    [playbook("{ name: notify, with: { clusters: «same } }"), "notify acts on no cluster"],
    [playbook("{ name: notify, ttl: «8h }"), "notify cannot be taken back"],
    [playbook("{ name: isolate-pod, ttl: «soon }"), "not a usable duration"],
    [playbook("{ name: isolate-pod, rungs: «[] }"), "must not be empty"],
    [playbook("{ name: isolate-pod, rungs: [{ name: «scale-to-zer }] }"), 'did you mean "scale-to-zero"?'],
    [playbook("{ name: isolate-pod, rungs: [{ name: «isolate-pod }] }"), "stands on an earlier rung"],
    [
      playbook("{ name: isolate-pod, rungs: [{ name: scale-to-zero }, { name: «scale-to-zero }] }"),
      "stands on an earlier rung",
    ],
    [playbook("{ name: isolate-pod, rungs: [{ name: «notify }] }"), "notify contains nothing"],
    [playbook("{ name: notify, rungs: «[{ name: isolate-pod }] }"), "nothing can follow it"],
    [
      playbook("{ name: isolate-pod, rungs: [{ name: scale-to-zero, with: { clusters: «prod } }] }"),
      "the cluster of the one before",
    ],
    [playbook("{ name: isolate-pod, rungs: [{ name: scale-to-zero, «rungs: [] }] }"), 'unknown key "rungs"'],
  ])("%s", (source, message) => {
    expectOneError(source, message);
  });
});

const GUID = "abcdef00-1111-4222-8333-444444444444";
const window = (parts: string) => rule(`windows: [{ ${parts} }]`);
const exception = (parts: string) =>
  `exceptions: [{ name: e, owner: o, reason: r, ${parts} }]\nrules:\n  - { name: r1, when: { kind: alert }, playbooks: [{ name: notify }] }\n`;

describe("parts about time, people and amounts", () => {
  it.each([
    ["scope: { deny: [{ managementGroup: «a/b }] }", "write the management group's name"],
    ["scope: { deny: [{ tags: «{} }] }", "is empty; name at least one part"],
    ["scope: { deny: [{ tags: { cost: «7 } }] }", "must be a text, not 7; put it in quotes"],
    ["scope: { deny: [{ «tag: { a: b } }] }", 'did you mean "tags"?'],
    [rule("scope: { deny: [{ «cluser: x }] }"), 'did you mean "cluster"?'],
    [rule("scope: { deny: [{ cluster: «nowhere }] }"), "is not a cluster of this file"],
    [rule("whenOld: «ask"), '"ask" is not known here; write one of record, notify, approve'],
    [rule("perHour: «1001"), "must be at most 1000"],
    [rule("perHour: «-1"), "must be at least 0"],
    [rule("perHour: «1.5"), "must be a whole number, not 1.5"],
    [rule("approveWithin: «59s"), "not a usable duration"],
    [
      window("days: [«monday], from: 08:00, to: 09:00, timezone: UTC, mode: approve"),
      '"monday" is not known here',
    ],
    [window("days: «[], from: 08:00, to: 09:00, timezone: UTC, mode: approve"), "must not be empty"],
    [window("from: «8:00, to: 09:00, timezone: UTC, mode: approve"), "such as 06:30"],
    [window("from: 08:00, to: «24:00, timezone: UTC, mode: approve"), "such as 06:30"],
    [window("from: 08:00, to: «800, timezone: UTC, mode: approve"), "must be a text"],
    [
      window("from: 08:00, to: 09:00, timezone: «Europe/Berln, mode: approve"),
      'did you mean "Europe/Berlin"?',
    ],
    [
      window("from: 08:00, to: 09:00, timezone: «Mars/Phobos, mode: approve"),
      "write a name such as Europe/Berlin",
    ],
    [window("from: 08:00, to: 09:00, timezone: «'+01:00', mode: approve"), "is not a time zone"],
    [window("from: 08:00, to: 09:00, timezone: UTC, mode: «on"), "write one of off, observe"],
    [rule("windows: [«{ from: 08:00, to: 09:00, timezone: UTC }]"), "mode is missing; add it"],
    [rule("windows: [«{ from: 08:00, to: 09:00, mode: observe }]"), "timezone is missing; add it"],
    ["exceptions: [«{ name: e, owner: o, reason: r, playbook: notify }]", "until is missing; add it"],
    [
      "exceptions: [«{ name: e, owner: o, until: 2026-01-01, playbook: notify }]",
      "reason is missing; add it",
    ],
    [
      "exceptions: [«{ name: e, reason: r, until: 2026-01-01, playbook: notify }]",
      "owner is missing; add it",
    ],
    [exception("until: «never, playbook: notify"), "is no day and no time; write 2026-12-31"],
    [exception("until: «2026-02-30, playbook: notify"), "is no day and no time"],
    [exception("until: «2026-02-30T00:00:00Z, playbook: notify"), "is no day and no time"],
    [exception("until: «2026-02-20T25:00:00Z, playbook: notify"), "is no day and no time"],
    [exception("until: «2026-02-20T10:00:00, playbook: notify"), "is no day and no time"],
    [exception("until: «2026, playbook: notify"), "must be a text"],
    [exception("until: 2026-12-31, rule: «r2"), '"r2" is not a rule of this file; did you mean "r1"?'],
    [exception("until: 2026-12-31, playbook: «notfy"), 'did you mean "notify"?'],
    [exception("until: 2026-12-31, key: «'(x)'"), "cannot be read"],
    [exception("until: 2026-12-31, where: «{}"), "is empty; name at least one part"],
    [exception("until: 2026-12-31, where: { «namespce: x }"), 'did you mean "namespace"?'],
    [
      "exceptions: [«{ name: e, owner: o, reason: r, until: 2026-12-31 }]",
      "leaves everything alone; say what by rule, playbook, key or where",
    ],
    [
      "exceptions: [{ name: e, owner: «' ', reason: r, until: 2026-12-31, playbook: notify }]",
      "write one line of at most 500 characters",
    ],
    ["budgets: { perRule: «-1 }", "must be at least 0"],
    ["budgets: { perRule: «1001 }", "must be at most 1000"],
    ["budgets: { perRule: «many }", 'must be a number, not "many"'],
    ["budgets: { «perRules: 1 }", 'did you mean "perRule"?'],
    ["budgets: { shareOfWorkload: «50 }", "50 is no share; write a percentage such as 50%"],
    ["budgets: { shareOfWorkload: «101% }", "is no share"],
    ["budgets: { shareOfNamespace: «'-1%' }", "is no share"],
    ["budgets: { shareOfNamespace: «half }", "is no share"],
    ["budgets: { shareOfNamespace: «.nan }", "is no share"],
    ["budgets: { shareOfNamespace: «true }", "is no share"],
    ["budgets: { messagesPerChannel: «0 }", "must be at least 1"],
    ["breaker: { after: «0 }", "must be at least 1"],
    ["breaker: { within: «1s }", "not a usable duration"],
    [
      `access: [{ role: «Reflex.Runs, to: ${GUID}, scope: { deny: [{ namespace: a }] } }]`,
      'did you mean "Reflex.Run"?',
    ],
    [
      `access: [{ role: Reflex.Run, to: [«someone@example.org], scope: { deny: [{ namespace: a }] } }]`,
      "write the object id",
    ],
    [`access: [{ role: Reflex.Run, to: «[], scope: { deny: [{ namespace: a }] } }]`, "must not be empty"],
    [`access: [{ role: Reflex.Run, to: ${GUID}, scope: «{} }]`, "limits nothing"],
    [`access: [«{ role: Reflex.Run, to: ${GUID} }]`, "scope is missing; add it"],
  ])("%s", (source, message) => {
    expectOneError(source, message);
  });
});

describe("a file that is too large", () => {
  const many = (count: number, entry: string) => Array.from({ length: count }, () => entry).join(", ");

  it("is refused as a whole before it is read", () => {
    expect(errorsOf(`mode: observe\n# ${"x".repeat(1024 * 1024)}`)).toEqual([
      { file: "reflex.yaml", line: 1, column: 1, message: expect.stringContaining("more than 1048576") },
    ]);
  });

  it("is refused for more rules than anybody keeps apart", () => {
    const rules = Array.from(
      { length: 2001 },
      (_, index) => `  - { name: r${index}, when: { kind: alert }, playbooks: [{ name: notify }] }\n`,
    );
    expectOneError(`rules:\n  «${rules.join("").slice(2)}`, "must not hold more than 2000 entries");
    expect(errorsOf(`rules:\n${rules.slice(1).join("")}`)).toEqual([]);
  });

  it("is refused for lists and patterns without end", () => {
    expectOneError(when(`{ key: «[${many(1001, "a")}] }`), "must not hold more than 1000 entries");
    expectOneError(
      `scope: { deny: «[${many(501, "{ namespace: a }")}] }`,
      "must not hold more than 500 entries",
    );
    expectOneError(when(`{ key: «${"a".repeat(257)} }`), "at most 256 characters");
    expectOneError(when("{ key: «'{a,b}{a,b}{a,b}{a,b}' }"), "more than 3 choices");
    expect(errorsOf(when(`{ key: ${"a".repeat(256)} }`))).toEqual([]);
  });
});

describe("what is missing or empty", () => {
  it.each([
    ["rules:\n  - «when: { kind: alert }\n    playbooks: [{ name: notify }]", "name is missing; add it"],
    ["rules:\n  - «name: r\n    playbooks: [{ name: notify }]", "when is missing; add it"],
    ["rules:\n  - «name: r\n    when: { kind: alert }", "playbooks is missing; add it"],
    ["rules:\n  - name: r\n    when: { kind: alert }\n    playbooks: «[]", "must not be empty"],
    [rule("«labels: "), "is empty; give it a value or remove the line"],
    ["«mode: ", "is empty; give it a value or remove the line"],
    [
      "mode: observe\nrules: [{ name: a, «when: , playbooks: [{ name: notify }] }]",
      "is empty; give it a value",
    ],
    ["scope: { deny: [ «, { namespace: a }] }", "correct the YAML here"],
    ["protected:\n  namespaces:\n    - a\n    - «", "is empty; give it a value"],
    [when("{ key: «~ }"), "is empty; give it a value or remove the line"],
    ["channels: [«{ name: a }]", "kind is missing; write one of teams, mail"],
    [`clusters: [{ name: p, id: ${CLUSTER}, connect: «{ context: c } }]`, "kubeconfig is missing; add it"],
    [`clusters: [{ name: p, id: ${CLUSTER}, connect: «{} }]`, "or connect by aks or token"],
    [connect("{ token: «{ tokenSetting: T } }"), "server is missing; add it"],
    [connect("{ token: «{ server: https://a } }"), "tokenSetting is missing; add it"],
  ])("%s", (source, message) => {
    expectOneError(source, message);
  });
});

describe("ways to reach a cluster", () => {
  it.each([
    [connect("{ aks: «azure }"), "write one of entra"],
    [connect("{ «akz: entra }"), 'did you mean "aks"?'],
    [connect("{ kubeconfig: k, aks: «entra }"), "stands beside kubeconfig; connect in one way only"],
    [
      connect("{ aks: entra, token: «{ server: https://a, tokenSetting: T } }"),
      "stands beside aks; connect in one way only",
    ],
    [connect("{ aks: entra, context: «c }"), "names a part of a kubeconfig"],
    [connect("[{ aks: entra }, «{ aks: entra }]"), "is there already; each way is tried once"],
    [
      connect("[{ aks: entra }, { token: { server: https://a, tokenSetting: T, «caSettin: C } }]"),
      'did you mean "caSetting"?',
    ],
    [
      connect("[{ kubeconfig: a }, { kubeconfig: b }, { kubeconfig: c }, «{ kubeconfig: d }]"),
      "is one way too many",
    ],
    [connect("«[]"), "must not be empty"],
    [connect("{ runCommand: «false }"), "write true, or leave it out"],
    [connect("{ aks: entra, runCommand: «true }"), "stands beside aks; connect in one way only"],
    [
      connect(
        "{ runCommand: «true }",
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.RedHatOpenShift/OpenShiftClusters/c",
      ),
      "needs the id of an AKS cluster",
    ],
    [
      connect(
        "[{ kubeconfig: k }, { runCommand: «true }]",
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Kubernetes/connectedClusters/c",
      ),
      "needs the id of an AKS cluster",
    ],
    [
      connect(
        "[{ aks: entra }, «{ flux: { container: https://a12.blob.core.windows.net/c-1, configuration: c } }]",
      ),
      "is flux, which stands alone",
    ],
    [
      connect(
        "{ kubeconfig: k, flux: «{ container: https://a12.blob.core.windows.net/c-1, configuration: c } }",
      ),
      "stands beside kubeconfig; connect in one way only",
    ],
    [connect("{ flux: «{ configuration: c } }"), "container is missing; add it"],
    [
      connect("{ flux: «{ container: https://a12.blob.core.windows.net/c-1 } }"),
      "configuration is missing; add it",
    ],
    ...[
      "http://a12.blob.core.windows.net/c-1",
      "https://a12.blob.core.windows.net",
      "https://a12.blob.core.windows.net/c-1/sub",
      "https://a12.blob.core.windows.net/c-1?sv=1",
      "https://a12.blob.core.windows.net.evil.example/c-1",
      "https://evil.example/a12.blob.core.windows.net/c-1",
      "https://me:secret@a12.blob.core.windows.net/c-1",
      "https://a12.file.core.windows.net/c-1",
      "https://127.0.0.1/c-1",
    ].map((container) => [
      connect(`{ flux: { container: «"${container}", configuration: c } }`),
      "write the container as https://ACCOUNT.blob.core.windows.net/CONTAINER",
    ]),
    [
      connect("{ flux: { container: https://a12.blob.core.windows.net/c-1, configuration: «a/b } }"),
      "write the name of the cluster's Flux configuration alone",
    ],
    [
      connect("{ flux: { container: https://a12.blob.core.windows.net/c-1, configuration: c, «key: x } }"),
      'unknown key "key"',
    ],
    [
      `${connect("{ flux: { container: https://a12.blob.core.windows.net/c-1, configuration: c } }")}  - { name: q, id: ${CLUSTER}-2, connect: [{ flux: { container: «https://a12.blob.core.windows.net/c-1/, configuration: d } }] }`,
      "is the container of cluster p already; give each cluster its own",
    ],
    [
      connect(
        "{ flux: «{ container: https://a12.blob.core.windows.net/c-1, configuration: c } }",
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.RedHatOpenShift/openShiftClusters/c",
      ),
      "needs the id of AKS or Arc",
    ],
    [
      connect(
        "{ token: { server: https://a, tokenSetting: T, tokenSecret: «https://v.vault.azure.net/secrets/a } }",
      ),
      "stands beside tokenSetting",
    ],
    [
      connect("{ token: { server: https://a, tokenSecret: «https://v.vault.azure.net/secrets/a/1 } }"),
      "without a version",
    ],
    [
      connect(
        "{ token: { server: https://a, tokenSetting: T, caSecret: «https://v.vault.azure.net/secrets/a } }",
      ),
      "needs tokenSecret",
    ],
    [
      connect(
        "{ aks: «entra }",
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Kubernetes/connectedClusters/c",
      ),
      "needs the id of an AKS cluster",
    ],
    [connect("{ token: { server: «https://a/path, tokenSetting: T } }"), "as https://name:port"],
    [connect("{ token: { server: «https://me:secret@a, tokenSetting: T } }"), "as https://name:port"],
    [connect("{ token: { server: «tcp://a, tokenSetting: T } }"), "as https://name:port"],
    [connect("{ token: { server: https://a, tokenSetting: «eyJhbG.eyJ } }"), "never the value itself"],
    [connect("{ token: { server: https://a, caSetting: «a b, tokenSetting: T } }"), "never the value itself"],
    [connect("{ token: { server: https://a, «token: x, tokenSetting: T } }"), 'unknown key "token"'],
    [
      connect("{ token: { server: https://a, «insecureSkipVerify: true, tokenSetting: T } }"),
      'unknown key "insecureSkipVerify"',
    ],
    [
      `clusters: [{ name: p, id: ${CLUSTER}, aliases: [«prod], connect: { kubeconfig: k } }]`,
      "a whole ARM id",
    ],
    [`clusters: [{ name: p, id: ${CLUSTER}, aliases: «7, connect: { kubeconfig: k } }]`, "must be a list"],
  ])("%s", (source, message) => {
    expectOneError(source, message);
  });
});

describe("names that are used twice", () => {
  const two = (second: string) =>
    `rules:\n  - { name: a, when: { kind: alert }, playbooks: [{ name: notify }] }\n  - ${second}\n`;

  it.each([
    [
      two("{ name: «a, when: { kind: alert }, playbooks: [{ name: notify }] }"),
      'a rule with the name "a" already',
    ],
    [
      two("{ name: «A, when: { kind: alert }, playbooks: [{ name: notify }] }"),
      'a rule with the name "A" already',
    ],
    [playbook("{ name: notify }\n      - { name: «notify }"), "this rule lists notify already"],
    [
      `clusters:\n  - { name: p, id: ${CLUSTER}, connect: { kubeconfig: k } }\n  - { name: q, id: «${CLUSTER.toUpperCase()}, connect: { kubeconfig: k } }`,
      "a cluster with the id",
    ],
    [
      `clusters:\n  - { name: p, id: ${CLUSTER}, connect: { kubeconfig: k } }\n  - { name: q, id: ${CLUSTER}-2, aliases: [${CLUSTER}-3, «${CLUSTER.toLowerCase()}], connect: { kubeconfig: k } }`,
      "already (p); give each id to one cluster, once",
    ],
    [
      `clusters:\n  - { name: p, id: ${CLUSTER}, aliases: [${CLUSTER}-2], connect: { kubeconfig: k } }\n  - { name: q, id: «${CLUSTER.toUpperCase()}-2, connect: { kubeconfig: k } }`,
      "already (p); give each id to one cluster, once",
    ],
    [
      `clusters: [{ name: p, id: ${CLUSTER}, aliases: [«${CLUSTER}], connect: { kubeconfig: k } }]`,
      "already (p); give each id to one cluster, once",
    ],
    [
      `clusters:\n  - { name: p, id: ${CLUSTER}, connect: { kubeconfig: k } }\n  - { name: «p, id: ${CLUSTER}-2, connect: { kubeconfig: k } }`,
      'a cluster with the name "p"',
    ],
    [
      "exceptions:\n  - { name: c, owner: o, reason: r, until: 2026-01-01, playbook: notify }\n  - { name: «C, owner: o, reason: r, until: 2026-01-01, playbook: notify }",
      "an exception with the name",
    ],
    [
      "channels:\n  - { name: c, kind: teams, urlSetting: A }\n  - { name: «c, kind: teams, urlSetting: B }",
      "a channel",
    ],
  ])("%s", (source, message) => {
    expectOneError(source, message);
  });
});

describe("the errors of a file", () => {
  it("come all at once, in the order of the file, and name their place in words", () => {
    const text = [
      "mode: observ",
      "rules:",
      "  - name: a",
      "    when: { kind: alrt, sevrity: High }",
      "    playbooks: [{ name: block-image, with: { tag: 1, lmit: 2 } }, { name: notfy }]",
      "  - name: a",
      "    when: { kind: alert }",
      "    playbooks: []",
      "silence: soon",
    ].join("\n");
    expect(
      errorsOf(text).map(({ line, column, message }) => [line, column, message.split(": ", 1)[0]]),
    ).toEqual([
      [1, 7, "mode"],
      [4, 19, "rules[0].when.kind"],
      [4, 25, "rules[0].when"],
      [5, 46, "rules[0].playbooks[0].with"],
      [5, 54, "rules[0].playbooks[0].with"],
      [5, 75, "rules[0].playbooks[1].name"],
      [6, 11, "rules[1].name"],
      [8, 16, "rules[1].playbooks"],
      [9, 10, "silence"],
    ]);
  });

  it("do not repeat themselves where a name is defined wrongly and used rightly", () => {
    expectOneError(
      "channels: [{ name: c, kind: teams, urlSetting: «'http://x' }]\nrules:\n  - { name: r, when: { kind: alert }, playbooks: [{ name: notify }], notify: [c] }",
      "never the address itself",
    );
  });

  it("point at the anchor's text where an alias repeats it", () => {
    expectOneError(
      "rules:\n  - { name: r, when: &w { kind: alert }, playbooks: &p [{ name: «x }] }\n  - { name: s, when: *w, playbooks: [{ name: notify }] }",
      "is not a playbook",
    );
  });

  it("carry the name of the file", () => {
    const parsed = parseConfiguration("mode: x", "local/other.yaml", DECLARED);
    expect("errors" in parsed && parsed.errors.map(({ file }) => file)).toEqual(["local/other.yaml"]);
  });
});
