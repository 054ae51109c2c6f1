import { z } from "zod";
import type { Labels, NetworkPolicy } from "../model/kubernetes-objects.ts";
import { selects } from "../model/kubernetes-port.ts";

const rulesSchema = z.object({
  ingress: z.array(z.unknown()).nullish(),
  egress: z.array(z.unknown()).nullish(),
});

/**
 * Which policies still let traffic through to or from a pod with these labels, one sentence for each policy and
 * direction. Policies only ever add up: deny-all next to one of these allows what that one allows. A policy that
 * selects the pod but has no rule for a direction allows nothing there, and is left out.
 */
export function residualPolicies(policies: readonly NetworkPolicy[], labels: Labels): string[] {
  return policies
    .filter(({ podSelector }) => selects(podSelector, labels))
    .flatMap((policy) =>
      openDirections(policy).map(
        (direction) =>
          `Network policy ${policy.namespace}/${policy.name} still allows ${direction} traffic of this pod.`,
      ),
    );
}

function openDirections({ policyTypes, spec }: NetworkPolicy): ("ingress" | "egress")[] {
  const rules = rulesSchema.parse(spec);
  const open: ("ingress" | "egress")[] = [];
  if (policyTypes.includes("Ingress") && (rules.ingress ?? []).length > 0) {
    open.push("ingress");
  }
  if (policyTypes.includes("Egress") && (rules.egress ?? []).length > 0) {
    open.push("egress");
  }
  return open;
}
