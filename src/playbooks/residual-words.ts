import { z } from "zod";
import type { Passage } from "./egress-rule.ts";
import type { NetworkVerdict, ResidualRule } from "./network-verdict.ts";

const selectorSchema = z.object({
  matchLabels: z.record(z.string(), z.string()).nullish(),
  matchExpressions: z
    .array(z.object({ key: z.string(), operator: z.string(), values: z.array(z.string()).nullish() }))
    .nullish(),
});
type Selector = z.infer<typeof selectorSchema>;

const peerSchema = z.object({
  ipBlock: z.object({ cidr: z.string(), except: z.array(z.string()).nullish() }).nullish(),
  namespaceSelector: selectorSchema.nullish(),
  podSelector: selectorSchema.nullish(),
});

const portSchema = z.object({
  protocol: z.string().nullish(),
  port: z.union([z.number(), z.string()]).nullish(),
  endPort: z.number().nullish(),
});

/** What a verdict leaves open, a sentence for each rule, and one for each direction that no policy is for. */
export function residualWords({ ingress, egress }: NetworkVerdict): string[] {
  const bare = (["ingress", "egress"] as const).filter(
    (direction) => !{ ingress, egress }[direction].covered,
  );
  return [
    ...bare.map((direction) => `No network policy is for ${direction} of this pod: all of it is allowed.`),
    ...[...ingress.residual, ...egress.residual].map(ruleWords),
  ];
}

/** One rule that lets traffic through, as a sentence. */
export function ruleWords({ policy, direction, rule, peers, ports }: ResidualRule): string {
  const way = direction === "ingress" ? "from" : "to";
  return `Network policy ${policy} still allows ${direction} ${way} ${passageWords({ peers, ports })} (rule ${rule}).`;
}

/** Whom a rule lets through and on which ports, for the middle of a sentence. */
export function passageWords({ peers, ports }: Passage): string {
  const who = peers.length === 0 ? "everywhere" : peers.map(peerWords).join(" and ");
  const where = ports.length === 0 ? "all ports" : ports.map(portWords).join(", ");
  return `${who} on ${where}`;
}

function peerWords(peer: unknown): string {
  const { ipBlock, namespaceSelector, podSelector } = peerSchema.parse(peer);
  if (ipBlock != null) {
    const except = ipBlock.except ?? [];
    return `${ipBlock.cidr}${except.length === 0 ? "" : ` except ${except.join(", ")}`}`;
  }
  const pods = podSelector == null ? "all pods" : `pods ${selectorWords(podSelector)}`;
  if (namespaceSelector == null) return `${pods} of its namespace`;
  return `${pods} of namespaces ${selectorWords(namespaceSelector)}`;
}

function selectorWords({ matchLabels, matchExpressions }: Selector): string {
  const labels = Object.entries(matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  const expressions = (matchExpressions ?? []).map(({ key, operator, values }) =>
    (values ?? []).length === 0 ? `${key} ${operator}` : `${key} ${operator} (${(values ?? []).join(", ")})`,
  );
  const all = [...labels, ...expressions];
  return all.length === 0 ? "of any label" : `with ${all.join(" and ")}`;
}

function portWords(port: unknown): string {
  const { protocol, port: number, endPort } = portSchema.parse(port);
  const range = endPort == null ? "" : `-${endPort}`;
  return `${protocol ?? "TCP"}${number == null ? "" : ` ${number}${range}`}`;
}
