import { CLUSTER, earlierBlockListObjects } from "../playbooks/cluster-objects.ts";
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
];
