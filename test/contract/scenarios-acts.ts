import { CLUSTER } from "../playbooks/cluster-objects.ts";
import { account, binding } from "../playbooks/rights-objects.ts";
import type { Scenario } from "./playbook-scenarios.ts";

/** The situations of playbooks that take rights, accounts, ways in and hooks away. */
export const acts: readonly Scenario[] = [
  ...([null, "shop"] as const).map((namespace) => ({
    name: namespace === null ? "a binding of the whole cluster" : "a binding of a namespace",
    playbook: "remove-role-binding",
    objects: [binding(namespace, "ci-admin"), binding(namespace, "other")],
    vanished: [binding(namespace, "other")],
    again: "partial" as const,
    target: { kind: "role-binding", cluster: CLUSTER, namespace, name: "ci-admin" } as const,
    parameters: {},
    foreign: null,
  })),
  {
    name: "a service account with what it holds",
    playbook: "revoke-service-account",
    objects: [
      account("ci", { labels: { a: "b" }, annotations: { c: "d" }, imagePullSecrets: [{ name: "reg" }] }),
      account("other"),
    ],
    vanished: [account("other")],
    writes: 2,
    target: { kind: "service-account", cluster: CLUSTER, namespace: "shop", name: "ci" },
    parameters: {},
    foreign: null,
  },
];
