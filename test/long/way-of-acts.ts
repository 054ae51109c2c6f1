import { pod } from "../playbooks/cluster-objects.ts";
import { account, binding, service, webhooks } from "../playbooks/rights-objects.ts";
import type { WayOfLife } from "./way-of-life.ts";

const creationTimestamp = "2026-01-01T00:00:00Z";

/** The ways of playbooks that take rights, accounts, ways in and hooks away. */
export const waysOfActs: readonly WayOfLife[] = [
  {
    playbook: "remove-role-binding",
    key: "K8S_ClusterAdminBinding",
    pod: (name) => name,
    extended: (name) => ({ "Cluster role binding name": name }),
    objects: (name) => [binding(null, name, { creationTimestamp })],
    nudge: null,
    reads: (name) => `/clusterrolebindings/${name}`,
    needsPod: true,
    writes: [{ method: "DELETE", path: "/clusterrolebindings/", ends: true }],
    never: {
      verifying: "whether it has gone is read back at once",
      "in-force": "what has gone is done, and nothing is held in force",
      reverting: "we cannot make a binding anew",
    },
  },
  {
    playbook: "revoke-service-account",
    key: "K8S_ServiceAccountRareOperation",
    pod: (name) => name,
    objects: (name) => [
      pod(name, {
        metadata: { namespace: "shop", name, creationTimestamp },
        spec: { containers: [{ name: "c", image: "web:1" }], serviceAccountName: name },
      }),
      account(name, { creationTimestamp }),
    ],
    nudge: null,
    needsPod: true,
    writes: [
      { method: "DELETE", path: "/serviceaccounts/", ends: true },
      { method: "POST", path: "/serviceaccounts", follows: true },
    ],
    never: {
      verifying: "whether it is another one is read back at once",
      "in-force": "what is void is done, and nothing is held in force",
      reverting: "nobody brings old tokens back",
    },
  },
  {
    playbook: "disable-webhook",
    key: "K8S_AdmissionController",
    pod: (name) => name,
    extended: (name) => ({ "Object kind": "MutatingWebhookConfiguration", "Object name": name }),
    objects: (name) => [webhooks("MutatingWebhookConfiguration", name, { creationTimestamp })],
    nudge: null,
    reads: (name) => `/mutatingwebhookconfigurations/${name}`,
    needsPod: true,
    writes: [{ method: "PATCH", path: "/mutatingwebhookconfigurations/" }],
    never: { verifying: "its selectors and label are read back at once" },
  },
  {
    playbook: "restrict-service-sources",
    key: "K8S_ExposedService",
    pod: (name) => name,
    extended: (name) => ({ "Object kind": "Service", "Object name": name, Namespace: "shop" }),
    objects: (name) => [service(name, {}, { creationTimestamp, labels: { team: "x" } })],
    nudge: null,
    reads: (name) => `/services/${name}`,
    needsPod: true,
    writes: [{ method: "PATCH", path: "/services/" }],
    never: { verifying: "its ranges and label are read back at once" },
  },
  {
    playbook: "deny-exec",
    key: "K8S_SuspiciousExec",
    pod: (name) => name,
    objects: (name) => [pod(name, { metadata: { namespace: "shop", name, creationTimestamp } })],
    nudge: null,
    needsPod: true,
    writes: [{ method: "PATCH", path: "/admissionlists/" }],
    never: { verifying: "its entry is read back at once" },
  },
];
