import { INCIDENT_LABEL } from "../model/incident-mark.ts";
import type { StrongerEngine } from "./stronger-engine.ts";

/** Everybody who could send, but the pod's own node: without its probes the kubelet would restart what is looked at. */
const SENDERS = ["world", "remote-node", "kube-apiserver", "ingress", "health", "init", "unmanaged"];

/**
 * The policy of Cilium's own kind. Its denies win over every rule that allows, a network policy's too, and know no order
 * (Cilium's documentation, "Deny Policies").
 */
export const denyByCilium: StrongerEngine = {
  word: "cilium",
  engine: "Cilium",
  kind: "CiliumNetworkPolicy",
  title: "Cilium network policy",
  denies: "all traffic of pods with our label",
  plural: "ciliumnetworkpolicies",
  isNamespaced: true,
  nameOf: (remediationId) => `reflex-deny-${remediationId}`,
  specOf: (remediationId) => ({
    endpointSelector: { matchLabels: { [INCIDENT_LABEL]: remediationId } },
    ingressDeny: [
      { fromEntities: SENDERS },
      {
        fromEndpoints: [{ matchExpressions: [{ key: "io.kubernetes.pod.namespace", operator: "Exists" }] }],
      },
    ],
    egressDeny: [{ toEntities: ["all"] }],
  }),
  asMade: (spec) => spec,
  rivals: () => Promise.resolve([]),
  rankAmong: () => 0,
  mustBeAlone: false,
  leaves: () => false,
  limits: ["Other policies keep what they allow, and Cilium denies it all the same: its denies win."],
  complaints: () => [],
};
