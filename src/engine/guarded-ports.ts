import type { WritePorts } from "../model/playbook.ts";
import type { Remediation } from "../model/remediation.ts";
import { exceptionOf } from "./ask-guard.ts";
import type { Engine } from "./engine.ts";
import { exceptedBy, protectionBeside } from "./guard.ts";
import { mayMatch } from "./scope.ts";
import { factsOfPod } from "./target-facts.ts";

/**
 * The ports as a playbook gets them: it can ask what the guard says of pods beside the target, by the scope of its rule
 * and all that protects. What cannot be told of them is a no, as of the target.
 */
export function guardedPorts(
  engine: Engine,
  record: Pick<Remediation, "signal" | "rule" | "clusterByRule" | "playbook" | "target">,
): WritePorts {
  const { ports, configuration } = engine;
  const { evidence } = ports.read;
  const { target } = record;
  return {
    read: {
      kubernetes: (cluster) => ports.read.kubernetes(cluster),
      ...(evidence === undefined ? {} : { evidence }),
      async protects(pod, around) {
        if (!("cluster" in target)) return "it is in no cluster";
        const facts = await factsOfPod(engine, target.cluster, record.rule, { pod, around });
        const { scope, protectedNamespaces } = configuration;
        const exception = exceptionOf(engine, record, (where) => mayMatch(where, facts));
        return (
          protectionBeside({ record, facts, scope, protectedNamespaces }) ??
          (exception === null ? null : exceptedBy(exception))
        );
      },
    },
    write: ports.write,
  };
}
