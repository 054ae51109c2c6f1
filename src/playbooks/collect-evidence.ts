import { z } from "zod";
import { Refused } from "../model/errors.ts";
import type { EvidenceReader, EvidenceStore } from "../model/evidence-port.ts";
import { playbook } from "../model/playbook.ts";
import { collectFiles, MOST_LOG_BYTES, MOST_LOG_LINES, subjectSchema } from "./evidence-files.ts";
import { keepManifest, manifestName, readManifest } from "./evidence-manifest.ts";
import { plannedTarget } from "./planned-target.ts";

const impact =
  "Nothing changes in the cluster: what is known of the pod, and what it printed, is kept outside of it.";

/**
 * Keeps what is known of a pod in a store outside of its cluster: objects, owners, events, logs, network policies with
 * their verdict, rights, names of secrets, images and node. Each file is written only where there is none of its name, and
 * the list of them with their hashes comes last: a run that died is taken up by the next, and two runs are one.
 */
export const collectEvidence = playbook({
  name: "collect-evidence",
  title: "Keep evidence of a pod",
  kind: "evidence",
  target: "pod",
  parameters: z.strictObject({}),
  permissions: {
    kubernetes: [
      { apiGroup: "", resource: "pods", verbs: ["get"] },
      { apiGroup: "", resource: "pods/log", verbs: ["get"] },
      { apiGroup: "", resource: "nodes", verbs: ["get"] },
      { apiGroup: "", resource: "events", verbs: ["list"] },
      { apiGroup: "", resource: "serviceaccounts", verbs: ["get"] },
      { apiGroup: "rbac.authorization.k8s.io", resource: "rolebindings", verbs: ["list"] },
      { apiGroup: "rbac.authorization.k8s.io", resource: "clusterrolebindings", verbs: ["list"] },
      { apiGroup: "networking.k8s.io", resource: "networkpolicies", verbs: ["list"] },
      { apiGroup: "apps", resource: "deployments", verbs: ["get"] },
      { apiGroup: "apps", resource: "replicasets", verbs: ["get"] },
      { apiGroup: "apps", resource: "statefulsets", verbs: ["get"] },
      { apiGroup: "apps", resource: "daemonsets", verbs: ["get"] },
      { apiGroup: "batch", resource: "jobs", verbs: ["get"] },
      { apiGroup: "batch", resource: "cronjobs", verbs: ["get"] },
      { apiGroup: "", resource: "replicationcontrollers", verbs: ["get"] },
      { apiGroup: "apps.openshift.io", resource: "deploymentconfigs", verbs: ["get"] },
      { apiGroup: "argoproj.io", resource: "rollouts", verbs: ["get"] },
    ],
    arm: [],
  },
  impact,
  highImpact: false,
  reversible: false,
  destroysEvidence: false,

  async plan({ target, remediationId }, { read }) {
    const { place } = configured(read.evidence);
    const { cluster, namespace, name } = target;
    const pod = await read.kubernetes(cluster).pod(namespace, name);
    if (pod === null) {
      return { outcome: "skip", reason: `Pod ${namespace}/${name} has gone.` };
    }
    const { controller, serviceAccount, node } = pod;
    return {
      outcome: "change",
      draft: {
        identity: pod.uid,
        steps: [
          {
            sentence: `keep what is known of pod ${namespace}/${name} at ${place}, under ${remediationId}/`,
            touches: [`${place}/${manifestName(remediationId)}#content`],
            before: null,
            after: { kept: KEPT },
          },
        ],
        impact,
        limits: LIMITS,
        // By these it goes on where the pod goes before it was read.
        data: { controller: controller === null ? null : { ...controller }, serviceAccount, node },
      },
    };
  },

  async apply(plan, { read, write }) {
    const { cluster, namespace, name } = plannedTarget(plan, "pod");
    const store = configured<EvidenceStore>(write.evidence);
    // The list is there: what it names was kept before it.
    if ((await store.read(manifestName(plan.remediationId))) !== null) return;
    const subject = subjectSchema.parse(plan.data);
    const of = { namespace, name, uid: plan.identity, ...subject };
    const collected = await collectFiles(of, read.kubernetes(cluster));
    await keepManifest(store, plan, collected);
  },

  async verify(plan, { read }) {
    const store = configured(read.evidence);
    const found = await readManifest(store, plan);
    if ("fault" in found) return { verdict: "absent", reason: found.fault };
    const { kept, missing } = found;
    return missing.length === 0
      ? { verdict: "holds", proof: "proved", kept }
      : { verdict: "partial", remains: missing, kept };
  },

  async revert(plan, { read }) {
    const { place } = configured(read.evidence);
    const folder = `${place}/${plan.remediationId}/`;
    return {
      outcome: "gone",
      reason: `Nothing was changed in the cluster; what is kept stays at ${folder}.`,
    };
  },
});

const KEPT = [
  "the pod and the chain of its owners, without the values of environment variables",
  "events of the pod and its owners",
  "the log of each container, and of the one before it where it was restarted",
  "the network policies of the namespace, and what they leave open to the pod",
  "the service account and the bindings that name it",
  "names of secrets and config maps",
  "the images that run, and the node",
];

const LIMITS = [
  `Of each log the last ${MOST_LOG_LINES} lines are kept, at most ${MOST_LOG_BYTES / 1024 / 1024} MiB; of many logs less each.`,
  "Logs, events, command lines and annotations are kept as they are: whatever secret was written there is in them.",
  "Neither memory nor disk nor the list of processes is in it.",
];

function configured<S extends EvidenceReader>(store: S | undefined): S {
  if (store !== undefined) return store;
  throw new Refused(
    "There is nowhere to keep evidence.",
    "Set REFLEX_EVIDENCE__blobServiceUri to the blob endpoint of a storage account (the operator guide has the rest).",
  );
}
