import { INCIDENT_LABEL } from "../../src/model/incident-mark.ts";
import { CLUSTER, pod, sessionListObjects } from "../playbooks/cluster-objects.ts";
import { account, binding, hook, service, webhooks } from "../playbooks/rights-objects.ts";
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
  ...(["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"] as const).map((webhookKind) => ({
    name: `a ${webhookKind} of two hooks`,
    playbook: "disable-webhook",
    objects: [webhooks(webhookKind, "evil"), webhooks(webhookKind, "other")],
    vanished: [webhooks(webhookKind, "other")],
    target: { kind: "webhook", cluster: CLUSTER, webhookKind, name: "evil" } as const,
    parameters: {},
    foreign: [
      webhooks(webhookKind, "evil", {
        hooks: [hook("a.evil.example.org", { matchLabels: { app: "db" } }), hook("b.evil.example.org")],
      }),
    ],
  })),
  ...([undefined, ["203.0.113.0/24", "198.51.100.7/32"]] as const).map((loadBalancerSourceRanges) => ({
    name: loadBalancerSourceRanges === undefined ? "a service open to everybody" : "a service open to some",
    playbook: "restrict-service-sources",
    objects: [service("web", { loadBalancerSourceRanges }), service("other")],
    vanished: [service("other")],
    target: { kind: "service", cluster: CLUSTER, namespace: "shop", name: "web" } as const,
    parameters: { ranges: ["203.0.113.128/25"] },
    foreign: [
      service(
        "web",
        { loadBalancerSourceRanges: ["192.0.2.0/24"] },
        { labels: { [INCIDENT_LABEL]: "b-someone-else" } },
      ),
    ],
  })),
  {
    name: "a pod into which somebody may go",
    playbook: "deny-exec",
    objects: [...sessionListObjects(), pod("web-1"), pod("web-2")],
    vanished: [...sessionListObjects(), pod("web-2")],
    target: { kind: "pod", cluster: CLUSTER, namespace: "shop", name: "web-1" },
    parameters: {},
    foreign: [
      {
        apiVersion: "defender-reflex.dev/v1",
        kind: "AdmissionList",
        metadata: { namespace: "defender-reflex", name: "reflex-denied-sessions" },
        spec: { entries: { "shop.web-1": "an operator wrote this" } },
      },
    ],
  },
];
