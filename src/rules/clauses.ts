import { resourceGroupOf, sameArmId } from "../model/arm-id.ts";
import type { Signal } from "../model/signal.ts";
import type { Clause } from "./condition.ts";
import { compileGlob } from "./glob.ts";
import { imageRepository } from "./image-repository.ts";
import { CLOSED, statusesOf } from "./signal-status.ts";
import type { Clauses } from "./when-schema.ts";

type Values = (signal: Signal) => readonly (string | null | undefined)[];
type Test = (value: string) => boolean;

/** The clauses of one group that are written directly in it, cheapest and most telling first. */
export function clausesOf(when: Clauses): Clause[] {
  return [
    anyOf("kind", when.kind, exactly, (signal) => [signal.kind]),
    anyOf("key", when.key, compileGlob, (signal) => [signal.baseKey, signal.key]),
    anyOf("otherKind", when.otherKind, exactly, (signal) => [signal.otherKind]),
    anyOf("severity", when.severity, exactly, (signal) => [signal.severity]),
    anyOf("status", when.status, folded, statusesOf),
    anyOf("tactics", when.tactics, folded, (signal) => signal.tactics),
    anyOf("resourceType", when.resourceType, compileGlob, (signal) => [signal.resourceType]),
    anyOf("subscription", when.subscription, folded, (signal) => [signal.subscriptionId]),
    anyOf("resourceGroup", when.resourceGroup, folded, ({ resourceIds: [main] }) => [
      main === undefined ? null : resourceGroupOf(main),
    ]),
    anyOf("cluster", when.cluster, armIdTest, (signal) => [signal.cluster?.resourceId]),
    anyOf("namespace", when.namespace, compileGlob, (signal) => [signal.namespace]),
    anyOf("image", when.image, compileGlob, ({ image }) => [image === null ? null : imageRepository(image)]),
    anyOf("sample", when.sample?.map(String), exactly, (signal) => [String(signal.isSample)]),
    anyOf("snapshot", when.snapshot?.map(String), exactly, (signal) => [String(signal.isSnapshot)]),
    when.workload === undefined ? null : workloadClause(when.workload),
    when.finding === undefined ? null : findingClause(when.finding),
    when.labels === undefined ? null : labelsClause(when.labels),
  ].filter((clause) => clause !== null);
}

/** What a rule that does not name sample, snapshot or status says about them without a word. */
export const IMPLIED: Readonly<Record<"sample" | "snapshot" | "status", Clause>> = {
  sample: implied(
    "sample",
    "false",
    (signal) => String(signal.isSample),
    (signal) => !signal.isSample,
  ),
  snapshot: implied(
    "snapshot",
    "false",
    (signal) => String(signal.isSnapshot),
    (signal) => !signal.isSnapshot,
  ),
  status: implied(
    "status",
    "a record that is still open",
    (signal) => [...statusesOf(signal), signal.notActionable].find((word) => word !== null) ?? "unknown",
    (signal) => signal.notActionable === null || !CLOSED.has(signal.notActionable),
  ),
};

function implied(
  name: string,
  wanted: string,
  seen: (signal: Signal) => string,
  test: (signal: Signal) => boolean,
): Clause {
  return {
    op: "clause",
    name,
    wanted: `${wanted} (unless the rule names ${name})`,
    seen: ({ signal }) => seen(signal),
    holds: ({ signal }) => test(signal),
  };
}

function anyOf(
  name: string,
  wanted: readonly string[] | undefined,
  compile: (wanted: string) => Test,
  values: Values,
): Clause | null {
  if (wanted === undefined) {
    return null;
  }
  const tests = wanted.map(compile);
  return {
    op: "clause",
    name,
    wanted: wanted.join(" or "),
    seen: ({ signal }) =>
      joined([...new Set(values(signal).filter((value) => typeof value === "string"))], ", "),
    holds: ({ signal }) =>
      values(signal).some((value) => typeof value === "string" && tests.some((test) => test(value))),
  };
}

function workloadClause(wanted: NonNullable<Clauses["workload"]>): Clause {
  const tests = wanted.map(({ kind, name }) => ({ kind: anyGlob(kind), name: anyGlob(name) }));
  return {
    op: "clause",
    name: "workload",
    wanted: wanted.map(({ kind, name }) => `${words(kind)} ${words(name)}`).join(" or "),
    seen: ({ signal: { workload } }) => (workload === null ? null : `${workload.kind} ${workload.name}`),
    holds: ({ signal: { workload } }) =>
      workload !== null && tests.some(({ kind, name }) => kind(workload.kind) && name(workload.name)),
  };
}

function findingClause(wanted: NonNullable<Clauses["finding"]>): Clause {
  const tests = wanted.map(({ cve, cvss, fixAvailable }) => ({
    cve: anyGlob(cve),
    named: cve !== undefined,
    cvss,
    fixAvailable,
  }));
  return {
    op: "clause",
    name: "finding",
    wanted: wanted
      .map(({ cve, cvss, fixAvailable }) => findingWords(cve?.join("/"), cvss?.atLeast, fixAvailable))
      .join(" or "),
    seen: ({ signal: { vulnerability } }) =>
      vulnerability === null
        ? null
        : findingWords(vulnerability.cve, vulnerability.cvss, vulnerability.fixAvailable),
    holds: ({ signal: { vulnerability } }) =>
      vulnerability !== null &&
      tests.some(
        ({ cve, named, cvss, fixAvailable }) =>
          (!named || (vulnerability.cve !== null && cve(vulnerability.cve))) &&
          (cvss === undefined || (vulnerability.cvss !== null && vulnerability.cvss >= cvss.atLeast)) &&
          (fixAvailable === undefined || vulnerability.fixAvailable === fixAvailable),
      ),
  };
}

function labelsClause(wanted: NonNullable<Clauses["labels"]>): Clause {
  const tests = wanted.map((labels) =>
    Object.entries(labels).map(([key, values]) => ({ key, test: anyGlob(values) })),
  );
  return {
    op: "clause",
    name: "labels",
    wanted: wanted
      .map((labels) =>
        Object.entries(labels)
          .map(([key, values]) => `${key}=${values.join("/")}`)
          .join(" and "),
      )
      .join(" or "),
    seen: ({ facts: { labels } }) =>
      labels === null
        ? null
        : (joined(
            Object.entries(labels).map(([key, value]) => `${key}=${value}`),
            ", ",
          ) ?? "none"),
    holds: ({ facts: { labels } }) =>
      labels !== null &&
      tests.some((parts) =>
        parts.every(({ key, test }) => Object.hasOwn(labels, key) && test(labels[key] ?? "")),
      ),
  };
}

function exactly(wanted: string): Test {
  return (value) => value === wanted;
}

function folded(wanted: string): Test {
  const lower = wanted.toLowerCase();
  return (value) => value.toLowerCase() === lower;
}

function armIdTest(wanted: string): Test {
  return (value) => sameArmId(value, wanted);
}

/** Any of the patterns; no patterns at all ask nothing. */
function anyGlob(patterns: readonly string[] | undefined): Test {
  const tests = patterns?.map(compileGlob);
  return (value) => tests === undefined || tests.some((test) => test(value));
}

function words(patterns: readonly string[] | undefined): string {
  return patterns?.join("/") ?? "any";
}

function findingWords(
  cve: string | null | undefined,
  cvss: number | null | undefined,
  fixAvailable: boolean | null | undefined,
): string {
  return [
    cve,
    cvss == null ? null : `CVSS ${cvss}`,
    fixAvailable == null ? null : fixAvailable ? "with a fix" : "without a fix",
  ]
    .filter((part) => part != null)
    .join(", ");
}

function joined(parts: readonly string[], by: string): string | null {
  return parts.length === 0 ? null : parts.join(by);
}
