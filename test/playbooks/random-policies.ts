import type { LabelExpression, LabelSelector, NetworkPolicy } from "../../src/model/kubernetes-objects.ts";
import type { Somebody, WirePeer, WirePolicy, WirePort, WireSelector } from "./brute-force-policies.ts";

const KEYS = ["app", "tier", "team"];
const VALUES = ["web", "db"];
const LABELS: Readonly<Record<string, string>>[] = [
  {},
  { app: "web" },
  { app: "db", tier: "web" },
  { tier: "db", team: "web" },
  { app: "web", tier: "web", team: "db" },
];

/** Everybody there is at the other end, and every port that anybody uses. */
export const WORLD: { readonly everybody: readonly Somebody[]; readonly ports: readonly number[] } = {
  everybody: [
    ...LABELS.flatMap((pod): Somebody[] => [
      { pod, ns: { team: "web" }, own: true },
      { pod, ns: { team: "db" }, own: false },
      { pod, ns: {}, own: false },
    ]),
    { ip: [10, 1, 2, 3] },
    { ip: [10, 9, 9, 9] },
    { ip: [203, 0, 113, 7] },
  ],
  ports: [53, 80, 443, 8080],
};

/** Makes random things from one stream of numbers. */
export class RandomPolicies {
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** Labels of a pod. */
  labels(): Record<string, string> {
    return Object.fromEntries(KEYS.flatMap((key) => (this.#chance(0.7) ? [[key, this.#one(VALUES)]] : [])));
  }

  /** None to six policies; many have no rule, so that isolation is no rarity. */
  policies(): WirePolicy[] {
    return Array.from({ length: Math.floor(this.#random() * 7) }, (_none, at) => this.#policy(at));
  }

  #policy(at: number): WirePolicy {
    const hasEgress = this.#chance(0.6);
    const ingress = this.#rules("from") as NonNullable<WirePolicy["spec"]["ingress"]>;
    const egress = this.#rules("to") as NonNullable<WirePolicy["spec"]["egress"]>;
    const types = this.#one([undefined, ["Ingress"], ["Egress"], ["Ingress", "Egress"]]);
    return {
      name: `p${at}`,
      spec: {
        podSelector: this.#selector(),
        ...(types === undefined ? {} : { policyTypes: types }),
        ...(this.#chance(0.6) ? { ingress } : {}),
        ...(hasEgress ? { egress } : {}),
      },
    };
  }

  #rules(way: "from" | "to"): object[] {
    return Array.from({ length: Math.floor(this.#random() * 3) }, () => ({
      ...(this.#chance(0.8) ? { [way]: this.#some(() => this.#peer()) } : {}),
      ...(this.#chance(0.5) ? { ports: this.#some(() => this.#port()) } : {}),
    }));
  }

  #peer(): WirePeer {
    if (this.#chance(0.25)) {
      const cidr = this.#one(["0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "203.0.113.7/32"]);
      return { ipBlock: { cidr, ...(this.#chance(0.3) ? { except: ["10.1.2.0/24"] } : {}) } };
    }
    const pods = this.#chance(0.7) ? { podSelector: this.#selector() } : {};
    return this.#chance(0.4) || !("podSelector" in pods)
      ? { ...pods, namespaceSelector: this.#selector() }
      : pods;
  }

  #port(): WirePort {
    const protocol = this.#chance(0.6) ? { protocol: this.#one(["TCP", "UDP"]) } : {};
    if (this.#chance(0.2)) return protocol;
    return this.#chance(0.3)
      ? { ...protocol, port: 80, endPort: 500 }
      : { ...protocol, port: this.#one(WORLD.ports) };
  }

  #selector(): WireSelector {
    const kind = this.#random();
    if (kind < 0.15) return {};
    if (kind < 0.55) return { matchLabels: { [this.#one(KEYS)]: this.#one(VALUES) } };
    const key = this.#one(KEYS);
    const operator = this.#one(["In", "NotIn", "Exists", "DoesNotExist"]);
    const values = operator.endsWith("In") ? { values: [this.#one(VALUES)] } : {};
    const more = this.#chance(0.3) ? { matchLabels: { [this.#one(KEYS)]: this.#one(VALUES) } } : {};
    return { ...more, matchExpressions: [{ key, operator, ...values }] };
  }

  #some<T>(make: () => T): T[] {
    return Array.from({ length: Math.floor(this.#random() * 3) }, make);
  }

  #one<T>(of: readonly T[]): T {
    return of[Math.floor(this.#random() * of.length)] as T;
  }

  #chance(of: number): boolean {
    return this.#random() < of;
  }
}

/** The policy as our client reads it. */
export function asRead({ name, spec }: WirePolicy): NetworkPolicy {
  const declared = (spec.policyTypes ?? []) as NetworkPolicy["policyTypes"];
  const assumed: NetworkPolicy["policyTypes"] =
    spec.egress === undefined ? ["Ingress"] : ["Ingress", "Egress"];
  return {
    namespace: "shop",
    name,
    uid: name,
    resourceVersion: "1",
    labels: {},
    annotations: {},
    createdAt: "2026-01-01T00:00:00Z",
    deleting: false,
    controller: null,
    managers: [],
    podSelector: selectorRead(spec.podSelector),
    policyTypes: declared.length === 0 ? assumed : declared,
    spec,
  };
}

function selectorRead({ matchLabels = {}, matchExpressions = [] }: WireSelector): LabelSelector {
  return {
    matchLabels,
    matchExpressions: matchExpressions.map(({ key, operator, values = [] }) => ({
      key,
      operator: operator as LabelExpression["operator"],
      values,
    })),
  };
}
