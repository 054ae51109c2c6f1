import { canonicalJson } from "../model/canonical-json.ts";
import type { EngineDeny, EnginePolicy } from "../model/engine-policies.ts";
import { Conflict, Permanent } from "../model/errors.ts";
import { INCIDENT_LABEL } from "../model/incident-mark.ts";
import type { KubernetesReader } from "../model/kubernetes-port.ts";
import { byWhom } from "./foreign-change.ts";
import type { OwnDeny } from "./marked-pod.ts";
import type { StrongerEngine } from "./stronger-engine.ts";

/** The policy of the engine's own kind for one remediation: its name is derived, and it selects by our label alone. */
export function engineDeny(
  by: StrongerEngine,
  remediationId: string,
  pod: { readonly namespace: string; readonly name: string },
  rank: number,
): EngineDeny {
  return {
    kind: by.kind,
    namespace: by.isNamespaced ? pod.namespace : "",
    name: by.nameOf(remediationId),
    labels: { [INCIDENT_LABEL]: remediationId, "app.kubernetes.io/managed-by": "defender-reflex" },
    annotations: {
      "defender-reflex.dev/playbook": "isolate-pod",
      "defender-reflex.dev/pod": by.isNamespaced ? pod.name : `${pod.namespace}/${pod.name}`,
    },
    spec: by.specOf(remediationId, pod.namespace, rank),
  };
}

/** How it is called in a sentence. */
export function denyWords(by: StrongerEngine, { namespace, name }: EngineDeny): string {
  return `${by.title} ${namespace === "" ? name : `${namespace}/${name}`}`;
}

/** Is this the remediation's policy as we made it? Its label and its whole specification count, annotations do not. */
export function isOurDeny(by: StrongerEngine, policy: EnginePolicy, made: EngineDeny): boolean {
  return (
    policy.labels[INCIDENT_LABEL] === made.labels[INCIDENT_LABEL] &&
    canonicalJson(by.asMade(policy.spec)) === canonicalJson(by.asMade(made.spec))
  );
}

/** Raises `Conflict` where a policy has our name but is not, or is no longer, what we made. */
export function requireOurDeny(by: StrongerEngine, policy: EnginePolicy, made: EngineDeny): void {
  if (isOurDeny(by, policy, made)) return;
  const name = denyWords(by, made);
  throw new Conflict(
    `${name} is not as this remediation made it.`,
    "Look who changed it; it was left alone, and is yours to delete.",
    { remains: [`${name} stays as somebody made it${byWhom(policy, ["spec"])}.`] },
  );
}

/** The same for whoever marks the pod. */
export function ownDeny(by: StrongerEngine, made: EngineDeny): OwnDeny {
  return {
    words: denyWords(by, made),
    read: (reader) => readDeny(made, reader),
    isOurs: (policy) => isOurDeny(by, policy, made),
    requireOurs: (policy) => requireOurDeny(by, policy, made),
    complaints: ({ status }, node) => by.complaints(status, node),
    create: (writer) => writer.createEngineDeny(made),
    remove: (writer, policy) => writer.deleteEngineDeny(made, policy),
  };
}

/** What is there of it by now. A right that has gone since the plan was made is a fault, not an absence. */
async function readDeny(made: EngineDeny, reader: KubernetesReader): Promise<EnginePolicy | null> {
  const found = await reader.enginePolicy(made);
  if (found !== "unread") return found === "unserved" ? null : found;
  throw new Permanent(
    `Our identity may not read ${made.kind} ${made.name} any more.`,
    "Grant it again what infra/kubernetes/4-access.yaml grants of that kind.",
  );
}
