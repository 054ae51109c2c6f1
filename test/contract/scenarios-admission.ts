import { POD_RULES } from "../../src/model/pod-rules.ts";
import { CLUSTER, earlierBlockListObjects, pod, podRuleObjects } from "../playbooks/cluster-objects.ts";
import type { Scenario } from "./playbook-scenarios.ts";

/** The situations of the playbooks that work by admission policies. */
export const admissionScenarios: readonly Scenario[] = [
  {
    name: "an image in a cluster that has the list in its earlier form",
    playbook: "block-image",
    objects: earlierBlockListObjects(),
    vanished: null,
    target: { kind: "image", cluster: CLUSTER, reference: "evil/miner:1", digest: null },
    parameters: {},
    foreign: [
      {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { namespace: "defender-reflex", name: "reflex-blocked-images" },
        data: { "docker.io_S_evil_S_miner_T_1": "an operator wrote this" },
      },
    ],
  },
  ...(["warn", "deny"] as const).map((action) => ({
    name: `a cluster that is to ${action === "deny" ? "deny what breaks all rules" : "warn in two namespaces"}`,
    playbook: "enforce-pod-rules",
    objects: [...podRuleObjects(), pod("web-1")],
    vanished: null,
    target: { kind: "cluster", cluster: CLUSTER } as const,
    parameters:
      action === "deny"
        ? { action, rules: POD_RULES, trustedRegistries: ["reg.example"] }
        : { rules: ["privileged", "host-namespaces"], namespaces: ["shop", "bank"] },
    foreign: [
      {
        apiVersion: "defender-reflex.dev/v1",
        kind: "AdmissionList",
        metadata: { namespace: "defender-reflex", name: `reflex-pod-rules-${action}` },
        spec: { entries: { [action === "deny" ? "privileged/*" : "privileged/shop"]: "an-operator" } },
      },
    ],
  })),
];
