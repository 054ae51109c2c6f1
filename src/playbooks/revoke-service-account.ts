import { z } from "zod";
import { canonicalJson } from "../model/canonical-json.ts";
import { Conflict } from "../model/errors.ts";
import { INCIDENT_LABEL } from "../model/incident-mark.ts";
import type { Json, Plan } from "../model/plan.ts";
import { playbook, type ReadPorts } from "../model/playbook.ts";
import type { ServiceAccount } from "../model/service-account.ts";
import { namesOf } from "./names-of.ts";
import { plannedTarget } from "./planned-target.ts";
import { touchedField } from "./touched-field.ts";

const POLL_MS = 5_000;
/** The cluster itself makes it anew in every namespace, bare. */
const DEFAULT = "default";
/** A plan is stored, and what it holds is written again. */
const MOST_MANIFEST = 10_000;
/** More names help nobody to decide. */
const MOST_PODS = 20;
const WORKLOAD_IDENTITY = "azure.workload.identity/client-id";

/** What the plan remembers: the account as it is made anew; null where the cluster does it. */
const dataSchema = z.object({ manifest: z.record(z.string(), z.json()).nullable() });

const impact =
  "Every token of the account is void: what runs with it is refused by the API server until it has a new one.";

/**
 * Voids every token of a service account by deleting it and making one like it: a token holds for the uid of its
 * account (KEP-1205), and one that is kept in a secret ends with it too (measured; the cluster then deletes the secret, so
 * that we need no right to secrets). The rights that bindings give to its name stay. High impact, since all that runs
 * with it is refused for a while; nobody brings the old tokens back. A remediation: nothing is held in force.
 */
export const revokeServiceAccount = playbook({
  name: "revoke-service-account",
  title: "Void the tokens of a service account",
  kind: "remediation",
  target: "service-account",
  parameters: z.strictObject({}),
  permissions: {
    kubernetes: [
      { apiGroup: "", resource: "serviceaccounts", verbs: ["get", "create", "delete"] },
      { apiGroup: "", resource: "pods", verbs: ["list"] },
    ],
    arm: [],
  },
  impact,
  highImpact: true,
  reversible: false,
  destroysEvidence: false,

  async plan({ target, remediationId }, { read }) {
    const { cluster, namespace, name } = target;
    const object = `ServiceAccount ${namespace}/${name}`;
    const reader = read.kubernetes(cluster);
    const account = await reader.serviceAccount(namespace, name);
    if (account === null) {
      return { outcome: "skip", reason: `${object} has gone, and its tokens with it.` };
    }
    if (account.deleting) {
      return { outcome: "no-op", reason: `${object} is being deleted already.`, identity: account.uid };
    }
    const obstacle = obstacleTo(account);
    if (obstacle !== null) {
      return { outcome: "skip", reason: `${object} ${obstacle}.` };
    }
    const { pods, whole } = await reader.pods(namespace);
    const users = pods.filter((pod) => pod.serviceAccount === name).map((pod) => pod.name);
    const field = (path: string): string =>
      touchedField(cluster, `serviceaccounts/${namespace}/${name}`, path);
    const isDefault = name === DEFAULT;
    return {
      outcome: "change",
      draft: {
        identity: account.uid,
        steps: [
          {
            sentence: `delete service account ${namespace}/${name}, which voids its tokens`,
            touches: [field("metadata.deletionTimestamp")],
            before: account.manifest,
            after: "deleted",
          },
          ...(isDefault
            ? []
            : [
                {
                  sentence: `create service account ${namespace}/${name} as it was, with our label`,
                  touches: [field("metadata.uid")],
                  before: null,
                  after: { [INCIDENT_LABEL]: remediationId },
                },
              ]),
        ],
        impact,
        limits: limitsOf(account, users.toSorted(), whole),
        data: { manifest: isDefault ? null : account.manifest },
      },
    };
  },

  async apply(plan, { read, write }) {
    const { cluster, namespace, name } = plannedTarget(plan, "service-account");
    const manifest: { readonly [field: string]: Json } | null = dataSchema.parse(plan.data).manifest;
    const account = await accountOf(plan, read);
    if (account?.uid === plan.identity && !account.deleting) {
      await write.kubernetes(cluster).deleteServiceAccount(namespace, name, account);
    }
    // Who vanished between both writes comes here again. Another of its name has another uid, whoever made it.
    if (manifest !== null && (await accountOf(plan, read)) === null) {
      const mark = { [INCIDENT_LABEL]: plan.remediationId };
      await write.kubernetes(cluster).createServiceAccount(namespace, name, manifest, mark);
    }
  },

  async verify(plan, { read }) {
    const { namespace, name } = plannedTarget(plan, "service-account");
    const object = `ServiceAccount ${namespace}/${name}`;
    const account = await accountOf(plan, read);
    if (account?.uid === plan.identity) {
      return account.deleting
        ? { verdict: "not-yet", reason: `${object} is kept by a finalizer.`, retryAfterMs: POLL_MS }
        : { verdict: "absent", reason: `${object} is still the same: its end is not there.` };
    }
    return account === null && dataSchema.parse(plan.data).manifest !== null
      ? { verdict: "absent", reason: `${object} has not been made anew: it is not there.` }
      : { verdict: "holds", proof: "proved" };
  },

  async revert(plan, { read }) {
    const { namespace, name } = plannedTarget(plan, "service-account");
    const account = await accountOf(plan, read);
    if (account?.uid !== plan.identity) {
      const object = `ServiceAccount ${namespace}/${name}`;
      return { outcome: "gone", reason: `The tokens of ${object} are void, and nobody brings them back.` };
    }
    if (!account.deleting) return { outcome: "restored" };
    throw new Conflict(
      `ServiceAccount ${namespace}/${name} is being deleted, which nobody can stop.`,
      "Nothing can be taken back.",
      { remains: [`ServiceAccount ${namespace}/${name} goes once its finalizers let it.`] },
    );
  },
});

/** What bears the name of the plan's account now, whether it is that one or another. */
function accountOf(plan: Plan, read: ReadPorts["read"]): Promise<ServiceAccount | null> {
  const { cluster, namespace, name } = plannedTarget(plan, "service-account");
  return read.kubernetes(cluster).serviceAccount(namespace, name);
}

function obstacleTo({ name, controller, labels, annotations, manifest }: ServiceAccount): string | null {
  if (controller !== null) {
    return `belongs to ${controller.kind} ${controller.name}, which would not know one that we make: have its owner make it anew`;
  }
  const own = Object.keys(manifest).filter((field) => !["apiVersion", "kind", "metadata"].includes(field));
  if (name === DEFAULT && (own.length > 0 || Object.keys({ ...labels, ...annotations }).length > 0)) {
    return "is made anew by the cluster itself, bare: what it holds besides its name would be lost";
  }
  return canonicalJson(manifest).length > MOST_MANIFEST
    ? "is too large to be kept in the plan, from which it is made anew"
    : null;
}

function limitsOf({ annotations }: ServiceAccount, users: readonly string[], whole: boolean): string[] {
  return [
    "An API server may accept a token for some ten seconds more, since it remembers what it has checked.",
    "The rights that bindings give to its name stay, also to whoever still runs with it: see remove-role-binding and isolate-pod.",
    users.length === 0
      ? `No pod ${whole ? "of the namespace" : "among those that could be read"} uses it.`
      : `Pods that use it have a new token when their node asks for one, at the latest when they start anew: ${namesOf(users, MOST_PODS)}.`,
    "Tokens that are kept in secrets are void too, and the cluster deletes these secrets: who uses one elsewhere needs another.",
    ...(Object.hasOwn(annotations, WORKLOAD_IDENTITY)
      ? [
          "What it signed in to in Azure goes on: its federated credential is for its name, and is taken away there.",
        ]
      : []),
  ];
}
