import { z } from "zod";
import type { EngineKind, EnginePolicy, Unreadable } from "../model/engine-policies.ts";
import { INCIDENT_LABEL } from "../model/incident-mark.ts";
import type { KubernetesReader } from "../model/kubernetes-port.ts";
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
    const rivals: Rival[] = [];
    for (const tier of [...tiersBefore(tiers), TIER]) {
      const found = await policiesOf(tier, namespace, reader);
      if (typeof found === "string") return found;
      rivals.push(...found.filter(({ object }) => object.name !== ownName).map((one) => rivalOf(one, tier)));
    }
    return rivals;
  },
  rankAmong(rivals) {
    const first = Math.min(...rivals.map(({ rank }) => rank).filter(Number.isFinite));
    return first > 0 ? 0 : Math.floor(first) - 1;
  },
  mustBeAlone: false,
  leaves: () => false,
  limits: [
    "Calico's own policy denies everything before any network policy is asked; connections that are open already last on there.",
  ],
  complaints: () => [],
};

const orderSchema = z.object({ order: z.number().nullish() });
const specSchema = z.object({
  order: z.number().nullish(),
  ingress: z.array(z.object({ action: z.string() })).default([]),
  egress: z.array(z.object({ action: z.string() })).default([]),
});

/** The tiers that are asked before that of the network policies; one without an order comes last. */
function tiersBefore(tiers: readonly EnginePolicy[]): string[] {
  const orderOf = ({ spec }: EnginePolicy) => orderSchema.safeParse(spec).data?.order ?? Infinity;
  const own = tiers.find(({ name }) => name === TIER);
  const last = own === undefined ? Infinity : orderOf(own);
  return tiers.filter((tier) => tier !== own && orderOf(tier) <= last).map(({ name }) => name);
}

interface Found {
  readonly title: string;
  readonly object: EnginePolicy;
}

async function policiesOf(
  tier: string,
  namespace: string,
  reader: KubernetesReader,
): Promise<readonly Found[] | Unreadable> {
  const all: Found[] = [];
  for (const { kind, title } of LISTED) {
    const within = kind === "CalicoNetworkPolicy" ? { namespace } : {};
    const found = await reader.enginePolicies(kind, { ...within, tier });
    if (typeof found === "string") return found;
    all.push(...found.map((object) => ({ title, object })));
  }
  return all;
}

/** Whom it selects is not worked out, since Calico's selectors are a language: it may be the pod. */
function rivalOf({ title, object }: Found, tier: string): Rival {
  const where = object.namespace === "" ? object.name : `${object.namespace}/${object.name}`;
  const spec = specSchema.safeParse(object.spec).data;
  const rank = tier === TIER ? (spec === undefined ? -Infinity : (spec.order ?? Infinity)) : -Infinity;
  const isDenial = spec !== undefined && [...spec.ingress, ...spec.egress].every(isDeny);
  return { name: `${title} ${where} (tier ${tier})`, rank, opens: !isDenial };
}

function isDeny({ action }: { readonly action: string }): boolean {
  return action === "Deny" || action === "Log";
}
