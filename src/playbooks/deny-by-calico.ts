import { z } from "zod";
import type { EngineKind, EnginePolicy } from "../model/engine-policies.ts";
import { INCIDENT_LABEL } from "../model/incident-mark.ts";
import type { Rival, StrongerEngine } from "./stronger-engine.ts";

/** Where network policies stand too. */
const TIER = "default";
/** Every end of every connection, as Calico's API server writes it. */
const DENY_ALL = [{ action: "Deny", source: {}, destination: {} }];
const LISTED: readonly { readonly kind: EngineKind; readonly title: string }[] = [
  { kind: "CalicoNetworkPolicy", title: "Calico network policy" },
  { kind: "CalicoGlobalNetworkPolicy", title: "Calico global network policy" },
];

/**
 * The policy of Calico's own kind (projectcalico.org/v3), in the tier of the network policies, which stand there at order
 * 1000, and before all others of that tier. Its name begins with the tier's: some versions add that, and all take it.
 * Calico lets a node reach its own pods whatever policies say. There is no Allow and no Pass in it.
 */
export const denyByCalico: StrongerEngine = {
  word: "calico",
  engine: "Calico",
  kind: "CalicoNetworkPolicy",
  title: "Calico network policy",
  denies: "all traffic of pods with our label",
  plural: "networkpolicies.projectcalico.org",
  isNamespaced: true,
  nameOf: (remediationId) => `${TIER}.reflex-deny-${remediationId}`,
  specOf: (remediationId, _namespace, order) => ({
    order,
    selector: `${INCIDENT_LABEL} == '${remediationId}'`,
    types: ["Ingress", "Egress"],
    ingress: DENY_ALL,
    egress: DENY_ALL,
  }),
  // Some versions write the tier that is meant where none is said.
  asMade(spec) {
    if (typeof spec !== "object" || spec === null || Reflect.get(spec, "tier") !== TIER) return spec;
    return Object.fromEntries(Object.entries(spec).filter(([key]) => key !== "tier"));
  },
  async rivals({ pod: { namespace }, ownName }, reader) {
    const tiers = await reader.enginePolicies("CalicoTier", {});
    if (typeof tiers === "string") return tiers;
    const { earlier, later } = aroundDefault(tiers);
    const found = new Map<string, Rival>();
    // A list without a tier holds all of them, or those of `default` alone: that depends on who serves it.
    for (const tier of [undefined, ...earlier]) {
      for (const { kind, title } of LISTED) {
        const within = kind === "CalicoNetworkPolicy" ? { namespace } : {};
        const policies = await reader.enginePolicies(kind, tier === undefined ? within : { ...within, tier });
        if (typeof policies === "string") return policies;
        for (const policy of policies) {
          if (policy.name !== ownName) found.set(`${kind} ${policy.name}`, rivalOf(title, policy, later));
        }
      }
    }
    return [...found.values()];
  },
  rankAmong(rivals) {
    const first = Math.min(...rivals.map(({ rank }) => rank).filter(Number.isFinite));
    return first > 0 ? 0 : Math.floor(first) - 1;
  },
  mustBeAlone: false,
  leaves: () => false,
  limits: [
    "Calico's own policy denies everything before any network policy is asked; connections that are open already last on there.",
    "ClusterNetworkPolicies are not read: Calico asks one of their admin tier before ours.",
  ],
  complaints: () => [],
};

const orderSchema = z.object({ order: z.number().nullish() });
const specSchema = z.object({
  tier: z.string().default(TIER),
  order: z.number().nullish(),
  ingress: z.array(z.object({ action: z.string() })).default([]),
  egress: z.array(z.object({ action: z.string() })).default([]),
});

/** The tiers that are asked before and after that of the network policies; one without an order comes last. */
function aroundDefault(tiers: readonly EnginePolicy[]): {
  readonly earlier: readonly string[];
  readonly later: ReadonlySet<string>;
} {
  const orderOf = ({ spec }: EnginePolicy) => orderSchema.safeParse(spec).data?.order ?? Infinity;
  const own = tiers.find(({ name }) => name === TIER);
  const last = own === undefined ? Infinity : orderOf(own);
  const others = tiers.filter((tier) => tier !== own);
  return {
    earlier: others.filter((tier) => orderOf(tier) <= last).map(({ name }) => name),
    later: new Set(others.filter((tier) => orderOf(tier) > last).map(({ name }) => name)),
  };
}

/** Whom it selects is not worked out, since Calico's selectors are a language: it may be the pod. */
function rivalOf(title: string, { namespace, name, spec }: EnginePolicy, later: ReadonlySet<string>): Rival {
  const words = `${title} ${namespace === "" ? name : `${namespace}/${name}`}`;
  const parsed = specSchema.safeParse(spec).data;
  if (parsed === undefined) return { name: words, rank: -Infinity, opens: true };
  const { tier, order } = parsed;
  const place = later.has(tier) ? Infinity : -Infinity;
  const isDenial = [...parsed.ingress, ...parsed.egress].every(isDeny);
  return {
    name: `${words} (tier ${tier})`,
    rank: tier === TIER ? (order ?? Infinity) : place,
    opens: !isDenial,
  };
}

function isDeny({ action }: { readonly action: string }): boolean {
  return action === "Deny" || action === "Log";
}
