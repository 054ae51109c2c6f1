import type { z } from "zod";
import { hashOf } from "../model/canonical-json.ts";
import { compileWhen } from "./compile-when.ts";
import type { Configuration, Rule } from "./configuration.ts";
import { type ConfigurationData, configurationSchema } from "./configuration-schema.ts";
import { connectOf } from "./connect-schema.ts";
import { duplicateNames } from "./duplicate-names.ts";
import { faultSentence, faultsOf } from "./fault-sentence.ts";
import { listAt, textAt } from "./plain-data.ts";
import type { PlaybookEntry } from "./playbook-entry.ts";
import type { KnownNames, PlaybookDeclaration } from "./schema-words.ts";
import { warningsOf } from "./warnings.ts";
import { type ConfigurationError, readYaml, type YamlSource } from "./yaml-source.ts";

/** A configuration with what its operator should know, or everything that is wrong with the file, in its order. */
type ParsedConfiguration =
  | { readonly configuration: Configuration; readonly warnings: readonly ConfigurationError[] }
  | { readonly errors: readonly ConfigurationError[] };

/**
 * Checks and reads a configuration file; `file` is its name in errors. Nothing is guessed or ignored: an unknown key,
 * name or unit is an error with its line and column (from 1). Exceptions that have ended are a warning where `now` is
 * given. Raises nothing.
 */
export function parseConfiguration(
  text: string,
  file: string,
  playbooks: readonly PlaybookDeclaration[],
  now: Date | null = null,
): ParsedConfiguration {
  const yaml = readYaml(text, file);
  if ("errors" in yaml) {
    return yaml;
  }
  const { source } = yaml;
  if (source.data === null) {
    return { errors: [source.errorAt([], "the file holds no configuration; write at least mode: observe")] };
  }
  const parsed = configurationSchema(knownNames(source.data, playbooks)).safeParse(source.data, {
    error: faultSentence,
  });
  const errors = [
    ...(parsed.error?.issues ?? []).flatMap((issue) => placed(issue, source)),
    ...duplicateNames(source),
  ];
  if (!parsed.success || errors.length > 0) {
    return { errors: errors.sort((a, b) => a.line - b.line || a.column - b.column) };
  }
  return { configuration: configurationOf(parsed.data), warnings: warningsOf(parsed.data, source, now) };
}

function placed(issue: z.core.$ZodIssue, source: YamlSource): ConfigurationError[] {
  const missing = issue.message.startsWith("is missing") ? issue.path.at(-1) : undefined;
  return faultsOf(issue).map(({ key, message }) =>
    source.errorAt(issue.path, missing === undefined ? message : `${String(missing)} ${message}`, key),
  );
}

/** The names that the file defines, as far as they can be read: a fault elsewhere must not make each use of a name a fault too. */
function knownNames(data: unknown, playbooks: readonly PlaybookDeclaration[]): KnownNames {
  return {
    playbooks,
    channels: listAt(data, "channels").flatMap((channel) => textAt(channel, "name") ?? []),
    rules: listAt(data, "rules").flatMap((rule) => textAt(rule, "name") ?? []),
    clusters: listAt(data, "clusters").flatMap((cluster) => {
      const name = textAt(cluster, "name");
      const aliases = listAt(cluster, "aliases").filter((alias) => typeof alias === "string");
      return name === undefined ? [] : { name, id: textAt(cluster, "id") ?? "", aliases };
    }),
  };
}

function configurationOf(data: ConfigurationData): Configuration {
  return {
    ceiling: data.mode,
    scope: data.scope,
    protectedNamespaces: data.protected.namespaces,
    clusters: data.clusters.map(({ name, id, aliases = [], connect }) => ({
      name,
      id,
      aliases,
      connect: connectOf(connect),
    })),
    channels: data.channels,
    silenceMs: data.silence,
    retentionMs: data.retention,
    auditRetentionMs: data.auditRetention ?? null,
    rules: data.rules.map(ruleOf),
    exceptions: data.exceptions,
    budgets: data.budgets,
    breaker: { after: data.breaker.after, withinMs: data.breaker.within },
    access: data.access,
    content: data,
    hash: hashOf(data),
  };
}

/** Its own deadline, else that of the rule; none for what cannot be taken back. */
function ttlOf(
  { reversible, ttlMs }: Pick<PlaybookEntry, "reversible" | "ttlMs">,
  { ttl }: ConfigurationData["rules"][number],
): number | null {
  return reversible ? (ttlMs ?? ttl ?? null) : null;
}

function ruleOf(rule: ConfigurationData["rules"][number]): Rule {
  const { name, mode, windows, scope, whenOld, notify, labels, releaseWhenResolved } = rule;
  return {
    name,
    mode,
    condition: compileWhen(rule.when),
    playbooks: rule.playbooks.map(({ name: playbook, clusters, parameters, rungs, ...entry }) => ({
      name: playbook,
      clusters,
      parameters,
      ttlMs: ttlOf(entry, rule),
      ...(rungs === undefined
        ? {}
        : {
            rungs: rungs.map((rung) => ({
              playbook: rung.name,
              parameters: rung.parameters,
              ttlMs: ttlOf(rung, rule),
            })),
          }),
    })),
    cooldownMs: rule.cooldown,
    maxAgeMs: rule.maxAge,
    notify,
    labels,
    releaseWhenResolved,
    scope,
    windows,
    whenOld,
    perHour: rule.perHour ?? null,
    approvalMs: rule.approveWithin,
  };
}
