import type { Remediation } from "../model/remediation.ts";

/** What the first audit row tells of its remediation, so that a history says what it is about when the record has gone. */
export function claimFacts(record: Remediation): Readonly<Record<string, unknown>> {
  const { id, playbook, target, mode, rule, signal, build, climbedFrom } = record;
  return {
    id,
    playbook,
    target,
    mode,
    rule: rule.name,
    configuration: rule.configuration,
    signal: signal.id,
    build,
    ...(climbedFrom === undefined ? {} : { climbedFrom }),
  };
}
