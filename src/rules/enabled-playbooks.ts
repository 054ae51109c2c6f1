import type { Configuration } from "./configuration.ts";
import { modeOf } from "./decide.ts";

/** The playbooks that some rule may use at some time, under the ceiling. A rule that is off at all times enables none. */
export function enabledPlaybooks(configuration: Configuration): ReadonlySet<string> {
  const on = configuration.rules.filter((rule) => modeOf(rule, configuration, null) !== "off");
  return new Set(
    on.flatMap(({ playbooks }) =>
      playbooks.flatMap(({ name, rungs = [] }) => [name, ...rungs.map(({ playbook }) => playbook)]),
    ),
  );
}
