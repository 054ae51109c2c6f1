import { z } from "zod";
import { canonicalJson } from "../model/canonical-json.ts";
import { Conflict } from "../model/errors.ts";
import { EGRESS_LABEL, INCIDENT_LABEL } from "../model/incident-mark.ts";
import type { NetworkPolicy } from "../model/kubernetes-objects.ts";
import type { EgressPolicy, EgressRule } from "../model/network-policies.ts";
import type { Json } from "../model/plan.ts";
import type { Passage } from "./egress-rule.ts";
import { byWhom } from "./foreign-change.ts";

const labelsSchema = z.strictObject({ matchLabels: z.record(z.string(), z.string()) });
const ruleSchema = z.strictObject({
  to: z.array(
    z.strictObject({
      ipBlock: z
        .strictObject({ cidr: z.string(), except: z.array(z.string()).exactOptional() })
        .exactOptional(),
      namespaceSelector: labelsSchema.exactOptional(),
      podSelector: labelsSchema.exactOptional(),
    }),
  ),
  ports: z
    .array(
      z.strictObject({
        protocol: z.enum(["TCP", "UDP", "SCTP"]),
        port: z.number(),
        endPort: z.number().exactOptional(),
      }),
    )
    .exactOptional(),
});

/** The rules that the plan of a restriction remembers: the list, and what of it our policy lets through. */
export const restrictionData = z.object({ list: z.array(ruleSchema), egress: z.array(ruleSchema) });

/** The name of the policy of one remediation. */
export function restrictionName(remediationId: string): string {
  return `reflex-egress-${remediationId}`;
}

/** The policy of one remediation that lets these rules through: its name is derived, and it selects by its label alone. */
export function restrictionPolicy(
  remediationId: string,
  pod: { namespace: string; name: string },
  egress: readonly EgressRule[],
): EgressPolicy {
  return {
    namespace: pod.namespace,
    name: restrictionName(remediationId),
    podLabel: [EGRESS_LABEL, remediationId],
    labels: { [INCIDENT_LABEL]: remediationId, "app.kubernetes.io/managed-by": "defender-reflex" },
    annotations: {
      "defender-reflex.dev/playbook": "restrict-egress",
      "defender-reflex.dev/pod": pod.name,
    },
    egress,
  };
}

/** The rules as the verdict has rules. */
export function passagesOf(egress: readonly EgressRule[]): Passage[] {
  return egress.map(({ to, ports }) => ({ peers: to, ports: ports ?? [] }));
}

/** The rules as a plan keeps them. */
export function rulesAsJson(egress: readonly EgressRule[]): Json {
  const json: Json = JSON.parse(JSON.stringify(egress));
  return json;
}

/** Is this the remediation's policy as we made it? Its label and its whole specification count, annotations do not. */
export function isOurRestriction(policy: NetworkPolicy, made: EgressPolicy): boolean {
  const [key, value] = made.podLabel;
  const spec = {
    podSelector: { matchLabels: { [key]: value } },
    policyTypes: ["Egress"],
    ...(made.egress.length === 0 ? {} : { egress: made.egress }),
  };
  return (
    policy.labels[INCIDENT_LABEL] === value &&
    canonicalJson(asStored(policy.spec)) === canonicalJson(asStored(spec))
  );
}

/** Without what is the same whether it is empty or absent. */
function asStored(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, inner: unknown) => {
      const isNothing =
        key === "matchLabels" &&
        inner !== null &&
        typeof inner === "object" &&
        Object.keys(inner).length === 0;
      return isNothing ? undefined : inner;
    }),
  );
}

/** Raises `Conflict` where a policy has our name but is not, or is no longer, what we made. */
export function requireOurRestriction(policy: NetworkPolicy, made: EgressPolicy): void {
  if (isOurRestriction(policy, made)) return;
  const name = `${policy.namespace}/${policy.name}`;
  const whom = byWhom(policy, ["spec"], ["metadata", "labels", INCIDENT_LABEL]);
  throw new Conflict(
    `Network policy ${name} is not as this remediation made it.`,
    "Look who changed it; it was left alone, and is yours to delete.",
    { remains: [`Network policy ${name} stays as somebody made it${whom}.`] },
  );
}
