import { canonicalJson } from "../model/canonical-json.ts";
import type { CiliumDeny, CiliumPolicy } from "../model/cilium-port.ts";
import { Conflict } from "../model/errors.ts";
import { INCIDENT_LABEL } from "../model/incident-mark.ts";
import { byWhom } from "./foreign-change.ts";

/** Everybody who could send, but the pod's own node: without its probes the kubelet would restart what is looked at. */
const SENDERS = ["world", "remote-node", "kube-apiserver", "ingress", "health", "init", "unmanaged"];

/**
 * The policy of Cilium's own kind for one remediation. Its denies win over every rule that allows, a network policy's
 * too (Cilium's documentation, "Deny Policies"). Its name is derived, and it selects by our label alone.
 */
export function ciliumDeny(remediationId: string, pod: { namespace: string; name: string }): CiliumDeny {
  return {
    namespace: pod.namespace,
    name: `reflex-deny-${remediationId}`,
    labels: { [INCIDENT_LABEL]: remediationId, "app.kubernetes.io/managed-by": "defender-reflex" },
    annotations: {
      "defender-reflex.dev/playbook": "isolate-pod",
      "defender-reflex.dev/pod": pod.name,
    },
    spec: {
      endpointSelector: { matchLabels: { [INCIDENT_LABEL]: remediationId } },
      ingressDeny: [
        { fromEntities: SENDERS },
        {
          fromEndpoints: [{ matchExpressions: [{ key: "io.kubernetes.pod.namespace", operator: "Exists" }] }],
        },
      ],
      egressDeny: [{ toEntities: ["all"] }],
    },
  };
}

/** Is this the remediation's policy as we made it? Its label and its whole specification count, annotations do not. */
export function isOurDeny(policy: CiliumPolicy, made: CiliumDeny): boolean {
  return (
    policy.labels[INCIDENT_LABEL] === made.labels[INCIDENT_LABEL] &&
    canonicalJson(policy.spec) === canonicalJson(made.spec)
  );
}

/** Raises `Conflict` where a policy has our name but is not, or is no longer, what we made. */
export function requireOurDeny(policy: CiliumPolicy, made: CiliumDeny): void {
  if (isOurDeny(policy, made)) return;
  const name = `${policy.namespace}/${policy.name}`;
  throw new Conflict(
    `Cilium network policy ${name} is not as this remediation made it.`,
    "Look who changed it; it was left alone, and is yours to delete.",
    { remains: [`Cilium network policy ${name} stays as somebody made it${byWhom(policy, ["spec"])}.`] },
  );
}
