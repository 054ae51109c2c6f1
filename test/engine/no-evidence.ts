import type { EvidenceSource } from "../../src/model/evidence-source.ts";

const unasked = (): Promise<never> => Promise.reject(new Error("nobody should ask for evidence here"));

/** A cluster of which nobody collects evidence. */
export const noEvidence: EvidenceSource = {
  rawPod: unasked,
  rawWorkload: unasked,
  rawNode: unasked,
  rawServiceAccount: unasked,
  events: unasked,
  roleBindings: unasked,
  clusterRoleBindings: unasked,
  readableNetworkPolicies: unasked,
  log: unasked,
};
