import type { EngineKind } from "./engine-policies.ts";

/** Where a kind of a network engine is served. */
export interface EngineResource {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  /** As the API calls it. */
  readonly kind: string;
  readonly isNamespaced: boolean;
}

/**
 * Calico's kinds only as its API server, or its native kinds, serve them: written to crd.projectcalico.org they would
 * be checked by nobody, and no right to a tier would be asked for.
 */
export const ENGINE_KINDS: Readonly<Record<EngineKind, EngineResource>> = {
  CiliumNetworkPolicy: {
    group: "cilium.io",
    version: "v2",
    plural: "ciliumnetworkpolicies",
    kind: "CiliumNetworkPolicy",
    isNamespaced: true,
  },
  AdminNetworkPolicy: {
    group: "policy.networking.k8s.io",
    version: "v1alpha1",
    plural: "adminnetworkpolicies",
    kind: "AdminNetworkPolicy",
    isNamespaced: false,
  },
  CalicoNetworkPolicy: {
    group: "projectcalico.org",
    version: "v3",
    plural: "networkpolicies",
    kind: "NetworkPolicy",
    isNamespaced: true,
  },
  CalicoGlobalNetworkPolicy: {
    group: "projectcalico.org",
    version: "v3",
    plural: "globalnetworkpolicies",
    kind: "GlobalNetworkPolicy",
    isNamespaced: false,
  },
  CalicoTier: {
    group: "projectcalico.org",
    version: "v3",
    plural: "tiers",
    kind: "Tier",
    isNamespaced: false,
  },
};
