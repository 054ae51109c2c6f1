import { canonicalJson } from "../model/canonical-json.ts";
import { Conflict } from "../model/errors.ts";
import { INCIDENT_LABEL } from "../model/incident-mark.ts";
import type { NetworkPolicy } from "../model/kubernetes-objects.ts";
import type { DenyAllPolicy } from "../model/kubernetes-port.ts";
import { byWhom } from "./foreign-change.ts";

/** The deny-all policy of one remediation: its name is derived, and it selects only what bears that remediation's label. */
export function isolationPolicy(
  remediationId: string,
  pod: { namespace: string; name: string },
): DenyAllPolicy {
  return {
    namespace: pod.namespace,
    name: `reflex-isolate-${remediationId}`,
    podLabel: [INCIDENT_LABEL, remediationId],
    labels: { [INCIDENT_LABEL]: remediationId, "app.kubernetes.io/managed-by": "defender-reflex" },
    annotations: {
      "defender-reflex.dev/playbook": "isolate-pod",
      "defender-reflex.dev/pod": pod.name,
    },
  };
}

/** Is this the remediation's policy as we made it? Its label and its whole specification count, annotations do not. */
export function isUnchanged(policy: NetworkPolicy, remediationId: string): boolean {
  const spec = {
    podSelector: { matchLabels: { [INCIDENT_LABEL]: remediationId } },
    policyTypes: ["Ingress", "Egress"],
  };
  return (
    policy.labels[INCIDENT_LABEL] === remediationId && canonicalJson(policy.spec) === canonicalJson(spec)
  );
}

/** Raises `Conflict` where a policy has our name but is not, or is no longer, what we made. */
export function requireUnchanged(policy: NetworkPolicy, remediationId: string): void {
  if (!isUnchanged(policy, remediationId)) {
    const name = `${policy.namespace}/${policy.name}`;
    const whom = byWhom(policy, ["spec"], ["metadata", "labels", INCIDENT_LABEL]);
    throw new Conflict(
      `Network policy ${name} is not as this remediation made it.`,
      "Look who changed it; it was left alone, and is yours to delete.",
      { remains: [`Network policy ${name} stays as somebody made it${whom}.`] },
    );
  }
}
