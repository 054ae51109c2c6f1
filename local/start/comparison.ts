import { isDeepStrictEqual } from "node:util";
import { describeTarget } from "../../src/model/target.ts";
import type { Shown } from "./api.ts";
import type { Expectation, ExpectedState } from "./expectation.ts";
import type { Outcome } from "./observer.ts";
import { type ReadBack, valueAt } from "./read-back.ts";

/** Where an outcome differs from what is expected, one sentence each; none when all is well. */
export async function differences(
  outcome: Outcome,
  expected: Expectation,
  readBack: ReadBack,
): Promise<string[]> {
  const ids = idsOf(outcome.changed);
  return [
    ...(isDeepStrictEqual(outcome.counts, expected.counts)
      ? []
      : [`counts are ${JSON.stringify(outcome.counts)}, expected ${JSON.stringify(expected.counts)}`]),
    ...remediationDifferences(outcome.changed, expected.remediations),
    ...(await stateDifferences(outcome, expected, ids, readBack)),
  ];
}

/** The same of what follows a revert. */
export async function revertDifferences(
  outcome: Outcome,
  expected: NonNullable<Expectation["next"]>,
  readBack: ReadBack,
): Promise<string[]> {
  const reverted = outcome.changed.find(({ playbook }) => playbook === expected.revert);
  const state = reverted?.state ?? "unchanged";
  return [
    ...(state === expected.state ? [] : [`the revert left it ${state}, expected ${expected.state}`]),
    ...(await stateDifferences(outcome, expected, idsOf(outcome.changed), readBack)),
  ];
}

function idsOf(changed: readonly Shown[]): ReadonlyMap<string, string> {
  return new Map(changed.map(({ playbook, id }) => [playbook, id]));
}

function remediationDifferences(changed: readonly Shown[], expected: Expectation["remediations"]): string[] {
  const left = [...changed];
  const missing = expected.flatMap((wanted) => {
    const at = left.findIndex((one) => isAsExpected(one, wanted));
    if (at !== -1) left.splice(at, 1);
    return at === -1 ? [`no remediation is as expected: ${JSON.stringify(wanted)}`] : [];
  });
  return [...missing, ...left.map((one) => `unexpected: ${inFull(one)}`)];
}

function isAsExpected(one: Shown, wanted: Expectation["remediations"][number]): boolean {
  return (
    one.playbook === wanted.playbook &&
    one.rule.name === wanted.rule &&
    one.state === wanted.state &&
    one.proof === wanted.proof &&
    describeTarget(one.target).includes(wanted.target) &&
    one.reason.includes(wanted.reason)
  );
}

function inFull({ playbook, rule, state, proof, target, reason }: Shown): string {
  return `${playbook} by ${rule.name} is ${state} (${proof ?? "no proof"}) for ${describeTarget(target)}: ${reason}`;
}

async function stateDifferences(
  { told }: Outcome,
  expected: ExpectedState,
  ids: ReadonlyMap<string, string>,
  readBack: ReadBack,
): Promise<string[]> {
  const found: string[] = [];
  for (const channel of ["teams", "mail"] as const) {
    const [heard, wanted] = [told[channel], expected.messages[channel]];
    if (heard.length !== wanted.length) {
      found.push(`${heard.length} messages went to ${channel}, expected ${wanted.length}`);
    }
    const silent = wanted.filter((words, index) => heard[index]?.includes(words) === false);
    found.push(...silent.map((words) => `a message to ${channel} does not say ${JSON.stringify(words)}`));
  }
  for (const wanted of expected.cluster) {
    const path = withIds(wanted.path, ids);
    const equals: unknown = JSON.parse(withIds(JSON.stringify(wanted.equals), ids));
    const seen = valueAt(await readBack.object(path), wanted.where ?? "");
    if (!isDeepStrictEqual(seen, equals)) {
      const place = `GET ${path}${wanted.where === undefined ? "" : ` at ${wanted.where}`}`;
      found.push(`${place} is ${JSON.stringify(seen)}, expected ${JSON.stringify(equals)}`);
    }
  }
  return found;
}

function withIds(text: string, ids: ReadonlyMap<string, string>): string {
  return text.replaceAll(/\{\{([a-z-]+)\}\}/g, (token, playbook: string) => ids.get(playbook) ?? token);
}
