// What an AdminNetworkPolicy (v1alpha1) or a policy of Calico's denies to a pod, by trying everybody there is. Written from
// the text of those kinds alone; it shares no code with the product, so that both cannot be wrong in the same way.
import { type Somebody, within } from "./brute-force-policies.ts";

interface Rule {
  readonly action: string;
  readonly from?: readonly Peer[];
  readonly to?: readonly Peer[];
  readonly source?: Nets;
  readonly destination?: Nets;
}

interface Nets {
  readonly nets?: readonly string[];
}

interface Peer {
  readonly namespaces?: { readonly matchLabels?: Readonly<Record<string, string>> };
  readonly networks?: readonly string[];
}

/** A policy of an engine's own kind, as the wire has it. */
export interface EngineWire {
  readonly kind: string;
  readonly spec: {
    readonly subject?: {
      readonly pods: {
        readonly namespaceSelector: { readonly matchLabels: Readonly<Record<string, string>> };
        readonly podSelector: { readonly matchLabels: Readonly<Record<string, string>> };
      };
    };
    readonly selector?: string;
    readonly ingress: readonly Rule[];
    readonly egress: readonly Rule[];
  };
}

/**
 * What is said of this connection (a word as `connectionsLeft` has it) before any network policy is asked, the policies in
 * the order in which their engine asks them; null: nothing.
 */
export function saidBefore(
  connection: string,
  { namespace, labels }: { readonly namespace: string; readonly labels: Readonly<Record<string, string>> },
  policies: readonly EngineWire[],
  everybody: readonly Somebody[],
): string | null {
  const [way = "", index = ""] = connection.split(" ");
  const who = everybody[Number(index)];
  if (who === undefined) throw new Error(`Nobody is ${connection}.`);
  const mine = policies.filter((one) => isFor(one, namespace, labels));
  const rules = mine.flatMap(({ kind, spec }) =>
    (way === "in" ? spec.ingress : spec.egress).map((rule) => ({ kind, rule })),
  );
  const first = rules.find(({ kind, rule }) => hits(kind, rule, way, who));
  return first?.rule.action ?? null;
}

function isFor(
  { kind, spec }: EngineWire,
  namespace: string,
  labels: Readonly<Record<string, string>>,
): boolean {
  if (kind === "NetworkPolicy") {
    const [, key = "", value = ""] = /^(\S+) == '([^']*)'$/.exec(spec.selector ?? "") ?? [];
    return labels[key] === value;
  }
  const { namespaceSelector, podSelector } = spec.subject?.pods ?? {};
  if (namespaceSelector === undefined || podSelector === undefined) return false;
  const own = { "kubernetes.io/metadata.name": namespace };
  return has(own, namespaceSelector.matchLabels) && has(labels, podSelector.matchLabels);
}

function hits(kind: string, rule: Rule, way: string, who: Somebody): boolean {
  if (kind === "NetworkPolicy") {
    const nets = [...(rule.source?.nets ?? []), ...(rule.destination?.nets ?? [])];
    return nets.length === 0 || nets.some((cidr) => isWithin(who, cidr));
  }
  return ((way === "in" ? rule.from : rule.to) ?? []).some(({ namespaces, networks }) =>
    namespaces === undefined
      ? (networks ?? []).some((cidr) => isWithin(who, cidr))
      : "pod" in who && has(who.ns, namespaces.matchLabels ?? {}),
  );
}

/** All addresses of IPv4 are those of pods too. */
function isWithin(who: Somebody, cidr: string): boolean {
  return cidr === "0.0.0.0/0" || ("ip" in who && !cidr.includes(":") && within(who.ip, cidr));
}

function has(labels: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value);
}
