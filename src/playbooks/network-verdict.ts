import { z } from "zod";
import type { Labels, NetworkPolicy } from "../model/kubernetes-objects.ts";
import { selects } from "../model/kubernetes-port.ts";

/** The two directions of traffic, as network policies have them. */
export type Direction = "ingress" | "egress";

/** One rule that lets traffic through, as its policy has it; no peers or no ports means all of them. */
export interface ResidualRule {
  /** `namespace/name`. */
  readonly policy: string;
  readonly direction: Direction;
  /** Its place in the policy, counted from 1. */
  readonly rule: number;
  readonly peers: readonly unknown[];
  readonly ports: readonly unknown[];
}

/** One direction: is any policy for it, and which rules let traffic through. Isolated: covered, and no rule. */
export interface DirectionVerdict {
  readonly covered: boolean;
  readonly residual: readonly ResidualRule[];
}

/** What the network policies of a namespace leave to a pod with certain labels. */
export type NetworkVerdict = Readonly<Record<Direction, DirectionVerdict>>;

const listed = z.array(z.unknown()).nullish();
const specSchema = z.object({
  ingress: z.array(z.object({ from: listed, ports: listed })).nullish(),
  egress: z.array(z.object({ to: listed, ports: listed })).nullish(),
});

/**
 * What may still flow to and from a pod with these labels (networking.k8s.io/v1: policies only ever add up, there is no
 * deny and no order). Each rule of a policy that selects the pod counts, also one that nobody matches at the moment.
 */
export function networkVerdict(policies: readonly NetworkPolicy[], labels: Labels): NetworkVerdict {
  const selecting = policies.filter(({ podSelector }) => selects(podSelector, labels));
  return { ingress: verdictOn("ingress", selecting), egress: verdictOn("egress", selecting) };
}

/** Is nothing let through, in either direction? */
export function isIsolated({ ingress, egress }: NetworkVerdict): boolean {
  return [ingress, egress].every(({ covered, residual }) => covered && residual.length === 0);
}

function verdictOn(direction: Direction, selecting: readonly NetworkPolicy[]): DirectionVerdict {
  const type = direction === "ingress" ? "Ingress" : "Egress";
  const covering = selecting.filter(({ policyTypes }) => policyTypes.includes(type));
  return {
    covered: covering.length > 0,
    residual: covering.flatMap((policy) => rulesOf(policy, direction)),
  };
}

function rulesOf({ namespace, name, spec }: NetworkPolicy, direction: Direction): ResidualRule[] {
  const { ingress, egress } = specSchema.parse(spec);
  const rules =
    direction === "ingress"
      ? (ingress ?? []).map(({ from, ports }) => ({ peers: from ?? [], ports: ports ?? [] }))
      : (egress ?? []).map(({ to, ports }) => ({ peers: to ?? [], ports: ports ?? [] }));
  return rules.map((rule, at) => ({ policy: `${namespace}/${name}`, direction, rule: at + 1, ...rule }));
}
