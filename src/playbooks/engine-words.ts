import type { EngineName, NetworkEngine } from "./network-engine.ts";

/** What to do where policies would be stored and do nothing. */
export const INSTEAD =
  "A network policy would be stored and do nothing: scale its workload to zero, or end the pod";

/** Engines with kinds of policies of their own, which can allow beside a network policy, or before it. */
const OWN_KINDS: readonly EngineName[] = ["Cilium", "Calico", "OVN-Kubernetes", "Antrea"];

/** What the plan says of whoever enforces the policies, a sentence each; `denies`: a policy of its own kind denies too. */
export function engineLimits(engine: Exclude<NetworkEngine, { found: "none" }>, denies = false): string[] {
  const who =
    engine.found === "engine"
      ? engine.engine === "Cilium"
        ? [
            `Cilium enforces network policies here (DaemonSet ${engine.agent}); the proof rests on what it reports of the pod, where it does.`,
          ]
        : [
            `${engine.engine} enforces network policies here (DaemonSet ${engine.agent}), and does not tell when: the proof is what the API holds.`,
          ]
      : [
          `${engine.why} Whether anybody enforces network policies here is not known: the proof is what the API holds.`,
        ];
  const own =
    !denies && engine.engine !== null && OWN_KINDS.includes(engine.engine)
      ? [
          `Policies of ${engine.engine}'s own kinds are not read: one that allows may let traffic through beside ours.`,
        ]
      : [];
  return [...who, ...own];
}
