// What network policies let through, by trying every connection there is in a small world. Written from the text of
// networking.k8s.io/v1 alone; it shares no code with the product, so that both cannot be wrong in the same way.

/** A policy as the wire has it, all in one namespace with the pod. */
export interface WirePolicy {
  readonly name: string;
  readonly spec: {
    readonly podSelector: WireSelector;
    readonly policyTypes?: readonly string[];
    readonly ingress?: readonly {
      readonly from?: readonly WirePeer[];
      readonly ports?: readonly WirePort[];
    }[];
    readonly egress?: readonly { readonly to?: readonly WirePeer[]; readonly ports?: readonly WirePort[] }[];
  };
}

/** A label selector as the wire has it. */
export interface WireSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}

/** A peer as the wire has it. */
export interface WirePeer {
  readonly podSelector?: WireSelector;
  readonly namespaceSelector?: WireSelector;
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] };
}

/** A port as the wire has it. */
export interface WirePort {
  readonly protocol?: string;
  readonly port?: number;
  readonly endPort?: number;
}

/** Somebody at the other end: a pod in a namespace, or an address outside of the cluster. */
export type Somebody =
  | {
      readonly pod: Readonly<Record<string, string>>;
      readonly ns: Readonly<Record<string, string>>;
      readonly own: boolean;
    }
  | { readonly ip: readonly [number, number, number, number] };

/** Each connection that the policies leave to a pod with these labels, as a word: direction, end, protocol and port. */
export function connectionsLeft(
  labels: Readonly<Record<string, string>>,
  policies: readonly WirePolicy[],
  world: { readonly everybody: readonly Somebody[]; readonly ports: readonly number[] },
): Set<string> {
  const left = new Set<string>();
  for (const way of ["in", "out"] as const) {
    const mine = policies.filter((one) => picks(one.spec.podSelector, labels) && isFor(one, way));
    for (const [who, somebody] of world.everybody.entries()) {
      for (const protocol of ["TCP", "UDP"]) {
        for (const port of world.ports) {
          const passes =
            mine.length === 0 || mine.some((one) => letsPass(one, way, somebody, protocol, port));
          if (passes) left.add(`${way} ${who} ${protocol} ${port}`);
        }
      }
    }
  }
  return left;
}

function isFor({ spec }: WirePolicy, way: "in" | "out"): boolean {
  const word = way === "in" ? "Ingress" : "Egress";
  if (spec.policyTypes !== undefined && spec.policyTypes.length > 0) return spec.policyTypes.includes(word);
  return way === "in" || spec.egress !== undefined;
}

function letsPass(
  { spec }: WirePolicy,
  way: "in" | "out",
  who: Somebody,
  protocol: string,
  port: number,
): boolean {
  const rules =
    way === "in"
      ? (spec.ingress ?? []).map(({ from, ports }) => ({ peers: from, ports }))
      : (spec.egress ?? []).map(({ to, ports }) => ({ peers: to, ports }));
  return rules.some(({ peers, ports }) => {
    const anyone = peers === undefined || peers.length === 0;
    const anyPort = ports === undefined || ports.length === 0;
    const isPeer = anyone || peers.some((peer) => isThisOne(peer, who));
    const isPort = anyPort || ports.some((one) => isThisPort(one, protocol, port));
    return isPeer && isPort;
  });
}

function isThisOne(peer: WirePeer, who: Somebody): boolean {
  if (peer.ipBlock !== undefined) {
    if (!("ip" in who)) return false;
    return (
      within(who.ip, peer.ipBlock.cidr) && !(peer.ipBlock.except ?? []).some((cidr) => within(who.ip, cidr))
    );
  }
  if (!("pod" in who)) return false;
  const isThere = peer.namespaceSelector === undefined ? who.own : picks(peer.namespaceSelector, who.ns);
  return isThere && (peer.podSelector === undefined || picks(peer.podSelector, who.pod));
}

function isThisPort(wanted: WirePort, protocol: string, port: number): boolean {
  if ((wanted.protocol ?? "TCP") !== protocol) return false;
  if (wanted.port === undefined) return true;
  return port >= wanted.port && port <= (wanted.endPort ?? wanted.port);
}

/** Is the address in that range of IPv4? */
export function within(ip: readonly number[], cidr: string): boolean {
  const [base = "", bits = "32"] = cidr.split("/");
  const asBits = (octets: readonly number[]): string =>
    octets.map((octet) => octet.toString(2).padStart(8, "0")).join("");
  const length = Number(bits);
  return asBits(ip).slice(0, length) === asBits(base.split(".").map(Number)).slice(0, length);
}

function picks(selector: WireSelector, labels: Readonly<Record<string, string>>): boolean {
  for (const key in selector.matchLabels) if (labels[key] !== selector.matchLabels[key]) return false;
  for (const { key, operator, values = [] } of selector.matchExpressions ?? []) {
    const has = key in labels;
    const isListed = has && values.indexOf(labels[key] as string) >= 0;
    if (operator === "In" && !isListed) return false;
    if (operator === "NotIn" && isListed) return false;
    if (operator === "Exists" && !has) return false;
    if (operator === "DoesNotExist" && has) return false;
  }
  return true;
}
