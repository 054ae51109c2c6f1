import { describe, expect, it } from "vitest";
import type { Signal } from "../../src/model/signal.ts";
import { explain } from "../../src/rules/index.ts";
import { aSignal, CLUSTER, OTHER_CLUSTER, withRules, withWhen } from "./rule-fixtures.ts";

/** The clauses of the only rule, as `clause held: why`. */
function told(when: string, overrides: Partial<Signal> = {}): string[] {
  const [rule] = explain(aSignal(overrides), withWhen(when));
  return (rule?.clauses ?? []).map(({ clause, held, why }) => `${clause} ${held}: ${why}`);
}

const OPEN = [
  "sample true: sample is false",
  "snapshot true: snapshot is false",
  "status true: status is New",
];

describe("explain", () => {
  it("names each clause, whether it held, and the value that was found", () => {
    expect(told('{ kind: alert, severity: [Low, Medium], key: "VM_*" }')).toEqual([
      "kind true: kind is alert",
      "key false: key is K8S.NODE_CryptoCoinMinerExecution; wanted VM_*",
      "severity false: severity is High; wanted Low or Medium",
      ...OPEN,
    ]);
  });

  it.each([
    ["otherKind", "attackPath"],
    ["resourceType", "microsoft.none/*"],
    ["subscription", "11111111-1111-1111-1111-111111111199"],
    ["sample", "true"],
    ["snapshot", "true"],
  ])("calls the clause %s by its name", (name, wanted) => {
    expect(told(`{ ${name}: ${wanted} }`)[0]).toMatch(
      new RegExp(`^${name} false: ${name} is .*; wanted ${wanted.replace("*", "\\*")}`),
    );
  });

  it("lists what a finding may be", () => {
    const none = { vulnerability: { cve: "CVE-2", cvss: null, fixAvailable: null, package: null } };
    expect(told("{ finding: [{ cve: CVE-1 }, { fixAvailable: true }] }", none)[0]).toMatch(
      /wanted CVE-1.* or .*with a fix/,
    );
  });

  it("says what is not known", () => {
    expect(told("{ namespace: lab, labels: { app: web } }", { namespace: null })).toEqual([
      "namespace false: namespace is not known; wanted lab",
      "labels false: labels are not known here",
      ...OPEN,
    ]);
  });

  it("says why a sample, a snapshot and a closed record do not match", () => {
    expect(told("{ kind: alert }", { isSample: true, isSnapshot: true })).toEqual([
      "kind true: kind is alert",
      "sample false: sample is true; wanted false (unless the rule names sample)",
      "snapshot false: snapshot is true; wanted false (unless the rule names snapshot)",
      "status true: status is New",
    ]);
    const closed = "wanted a record that is still open (unless the rule names status)";
    expect(told("{ kind: alert }", { status: "Resolved", notActionable: "resolved" }).at(-1)).toBe(
      `status false: status is Resolved; ${closed}`,
    );
    expect(told("{ kind: alert }", { status: null, notActionable: "healthy" }).at(-1)).toBe(
      `status false: status is healthy; ${closed}`,
    );
    expect(told("{ kind: alert }", { status: null }).at(-1)).toBe("status true: status is unknown");
  });

  it.each([
    ["{ workload: { kind: Job, name: [a, b] } }", "workload is Deployment web-front; wanted Job a/b"],
    [
      "{ workload: [{ kind: Job }, { name: a }] }",
      "workload is Deployment web-front; wanted Job any or any a",
    ],
    ["{ image: nginx }", "image is reg.example.io:5000/team/web; wanted nginx"],
    ["{ tactics: Persistence }", "tactics is Execution, Impact; wanted Persistence"],
    ["{ cluster: spare }", `cluster is ${CLUSTER}; wanted ${OTHER_CLUSTER}`],
    ["{ resourceGroup: x }", "resourceGroup is rg-prod; wanted x"],
    [
      "{ finding: { cvss: { atLeast: 9 }, fixAvailable: true } }",
      "finding is not known; wanted CVSS 9, with a fix",
    ],
    [
      "{ any: [{ kind: finding }, { severity: Low }] }",
      "kind is alert; wanted finding; severity is High; wanted Low",
    ],
    ["{ all: [{ kind: alert, severity: Low }] }", "severity is High; wanted Low"],
    ["{ not: { kind: alert, severity: High } }", "excluded: kind is alert; severity is High"],
  ])("words the failure of %s", (when, why) => {
    const [rule] = explain(aSignal(), withWhen(when));
    expect(rule?.clauses.filter(({ held }) => !held).map((clause) => clause.why)).toEqual([why]);
  });

  it.each([
    ["{ any: [{ kind: finding }, { severity: High }] }", "severity is High"],
    ["{ all: [{ kind: alert, severity: High }] }", "kind is alert; severity is High"],
    ["{ not: { kind: finding, severity: High } }", "not excluded: kind is alert; wanted finding"],
  ])("words the success of %s", (when, why) => {
    expect(explain(aSignal(), withWhen(when))[0]?.clauses[0]?.why).toBe(why);
  });

  it("words findings and labels by what is known of them", () => {
    const vulnerability = { cve: "CVE-1", cvss: 9.8, fixAvailable: false, package: null };
    expect(told('{ finding: { cve: ["CVE-2*", "CVE-3*"], fixAvailable: true } }', { vulnerability })[0]).toBe(
      "finding false: finding is CVE-1, CVSS 9.8, without a fix; wanted CVE-2*/CVE-3*, with a fix",
    );
    expect(told("{ finding: { cvss: { atLeast: 9 } } }", { vulnerability })[0]).toContain("finding true");
    const configuration = withWhen("{ labels: [{ app: [web, api], tier: x }, { a: b }] }");
    const why = (labels: Record<string, string>) =>
      explain(aSignal(), configuration, { labels })[0]?.clauses[0]?.why;
    expect(why({ app: "web", b: "c" })).toBe("labels is app=web, b=c; wanted app=web/api and tier=x or a=b");
    expect(why({})).toBe("labels is none; wanted app=web/api and tier=x or a=b");
    expect(why({ a: "b" })).toBe("labels is a=b");
  });

  it("tells each rule with its playbooks, their modes and clusters, and which rule decides", () => {
    const configuration = withRules(
      "{ name: off, mode: off, when: { kind: alert }, playbooks: [{ name: notify }] }",
      "{ name: no, when: { kind: finding }, playbooks: [{ name: notify }] }",
      "{ name: a, mode: approve, when: { kind: alert }, playbooks: [{ name: block-image, with: { clusters: spare } }] }",
      "{ name: b, when: { kind: alert }, playbooks: [{ name: notify }, { name: block-image, with: { clusters: [spare] } }] }",
    );
    expect(
      explain(aSignal(), configuration).map(({ rule, matched, playbooks }) => ({ rule, matched, playbooks })),
    ).toEqual([
      {
        rule: "off",
        matched: true,
        playbooks: [{ name: "notify", mode: "off", clusters: null, decidedBy: null, rungs: [] }],
      },
      {
        rule: "no",
        matched: false,
        playbooks: [{ name: "notify", mode: "observe", clusters: null, decidedBy: null, rungs: [] }],
      },
      {
        rule: "a",
        matched: true,
        playbooks: [
          { name: "block-image", mode: "approve", clusters: [OTHER_CLUSTER], decidedBy: null, rungs: [] },
        ],
      },
      {
        rule: "b",
        matched: true,
        playbooks: [
          { name: "notify", mode: "observe", clusters: null, decidedBy: null, rungs: [] },
          { name: "block-image", mode: "observe", clusters: [OTHER_CLUSTER], decidedBy: "a", rungs: [] },
        ],
      },
    ]);
  });
});
