import { MODES, type Mode } from "../model/mode.ts";
import { highestMode } from "../model/mode-at.ts";
import { namesLabels } from "./asks-for-labels.ts";
import { compileWhen } from "./compile-when.ts";
import type { ConfigurationData } from "./configuration-schema.ts";
import { writtenWays } from "./connect-schema.ts";
import type { ConfigurationError, YamlSource } from "./yaml-source.ts";

const YEAR_MS = 366 * 86_400_000;

/** What is allowed and seldom meant, each at its place, in the order of the file. Exceptions are judged at `now`; null leaves that out. */
export function warningsOf(
  data: ConfigurationData,
  source: YamlSource,
  now: Date | null,
): readonly ConfigurationError[] {
  return [
    ...data.rules.flatMap((rule, index) => ruleWarnings(rule, ["rules", index], source)),
    ...unknownLabels(data, source),
    ...(now === null ? [] : data.exceptions.flatMap((one, index) => ended(one, index, source, now))),
  ].sort((a, b) => a.line - b.line || a.column - b.column);
}

function ruleWarnings(
  rule: ConfigurationData["rules"][number],
  path: readonly PropertyKey[],
  source: YamlSource,
): ConfigurationError[] {
  const { name, notify, playbooks } = rule;
  const highest = highestMode(rule);
  const at = [...path, ...placeOfMode(rule, highest)];
  const warnings: ConfigurationError[] = [];
  // What only tells and keeps evidence asks nobody.
  const acts = playbooks.some(({ kind }) => kind === "containment" || kind === "remediation");
  if (acts && notify.length === 0 && MODES.indexOf(highest) > MODES.indexOf("observe")) {
    const what =
      highest === "approve" ? "that it waits for an approval" : "what it did or what waits for an approval";
    warnings.push(
      source.errorAt(
        at,
        `rule ${name} can ${highest} but tells no channel ${what}; name a channel under notify`,
      ),
    );
  }
  const endless = playbooks
    .flatMap((entry) => [entry, ...(entry.rungs ?? [])])
    .filter(
      ({ kind, reversible, ttlMs }) =>
        kind === "containment" && reversible && (ttlMs ?? rule.ttl) === undefined,
    );
  if (highest === "enforce" && endless.length > 0) {
    const names = endless.map((playbook) => playbook.name).join(", ");
    const message = `rule ${name} enforces ${names} without an end; give it a ttl, else it stays until somebody takes it back`;
    warnings.push(source.errorAt(at, message));
  }
  return warnings;
}

/** Where run command is a way to a cluster nobody waits for its labels when an alert comes. */
function unknownLabels({ clusters, rules }: ConfigurationData, source: YamlSource): ConfigurationError[] {
  const slow = clusters.filter(({ connect }) =>
    writtenWays(connect).some(({ runCommand }) => runCommand !== undefined),
  );
  if (slow.length === 0) return [];
  const names = slow.map(({ name }) => name).join(", ");
  return rules.flatMap(({ name, mode, when }, index) =>
    mode !== "off" && namesLabels(compileWhen(when))
      ? [
          source.errorAt(
            ["rules", index, "when"],
            `rule ${name} asks for labels, which are not known where run command is a way to the cluster: no such clause holds on ${names}`,
          ),
        ]
      : [],
  );
}

/** Where the mode stands: at the rule, or at the window that raises it. */
function placeOfMode({ mode, windows }: ConfigurationData["rules"][number], highest: Mode): PropertyKey[] {
  const window = windows.findIndex((one) => one.mode === highest);
  return mode === highest || window === -1 ? ["mode"] : ["windows", window, "mode"];
}

function ended(
  { name, owner, until }: ConfigurationData["exceptions"][number],
  index: number,
  source: YamlSource,
  now: Date,
): ConfigurationError[] {
  const left = new Date(until).getTime() - now.getTime();
  const at = (message: string) => [source.errorAt(["exceptions", index, "until"], message)];
  if (left <= 0) {
    return at(
      `exception ${name} has ended and leaves nothing alone any more; remove it, or ask ${owner} for a new end`,
    );
  }
  return left > YEAR_MS
    ? at(
        `exception ${name} goes on for more than a year; nobody will remember why, so write an earlier end and renew it`,
      )
    : [];
}
