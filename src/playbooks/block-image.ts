import { z } from "zod";
import { LIST_GROUP, LIST_RESOURCE, MOST_ENTRIES } from "../model/admission-list.ts";
import { Conflict, Refused } from "../model/errors.ts";
import { BLOCK_LIST, BLOCK_POLICY, blockListValue, OWN_NAMESPACE } from "../model/incident-mark.ts";
import type { BlockList } from "../model/kubernetes-objects.ts";
import type { Plan } from "../model/plan.ts";
import { playbook } from "../model/playbook.ts";
import { describeTarget } from "../model/target.ts";
import { blockedEntries } from "./blocked-entries.ts";
import { byWhom } from "./foreign-change.ts";
import { plannedTarget } from "./planned-target.ts";
import { PROBE_CONNECTIONS, probeImages } from "./probe-images.ts";
import { pulledProof, unseenLimits } from "./pulled-list.ts";
import { type RunningImages, runningImages } from "./running-images.ts";
import { touchedField } from "./touched-field.ts";

/** The platform's own images: a cluster that cannot start them cannot be repaired. */
const PLATFORM_IMAGES = [
  "mcr.microsoft.com/*",
  "registry.k8s.io/*",
  "quay.io/openshift-release-dev/*",
  "arosvc.azurecr.io/*",
];

/** What the plan remembers: the keys that it adds to the list. */
const dataSchema = z.object({ keys: z.array(z.string()).min(1) });

/** Where an entry stands in each form of the list. */
const OBJECTS = {
  AdmissionList: `${LIST_RESOURCE}/${OWN_NAMESPACE}/${BLOCK_LIST}`,
  ConfigMap: `configmaps/${OWN_NAMESPACE}/${BLOCK_LIST}`,
} as const;
const FIELDS = { AdmissionList: ["spec", "entries"], ConfigMap: ["data"] } as const;
const EARLIER_FORM =
  "The cluster has the list in an earlier form, which an API server may stop to read: apply infra/kubernetes again and move the entries (docs/operator-guide.md).";

const PROVED = `Proved is what the API server says over ${PROBE_CONNECTIONS} connections; one that none of these reaches may learn of it a moment later.`;

const admission = { apiGroup: "admissionregistration.k8s.io", verbs: ["get"], resourceNames: [BLOCK_POLICY] };
const parameters = z.strictObject({
  /** Repositories that are never blocked, whole or with `/*` at the end for all below. */
  neverBlock: z.array(z.string().min(1)).default(PLATFORM_IMAGES),
  /** Every tag of its repository, instead of the one that is known; then a person decides. */
  wholeRepository: z.boolean().default(false),
});

const impact =
  "No new pod can use the image: rollouts, scale-ups and restarts that need it fail, running pods go on.";

/**
 * Keeps an image from being started anywhere in the cluster: entries in the list that the operator's admission policy
 * reads. An entry is one key of the list, so that one remediation never touches another's. A cluster that only fetches the
 * list (Flux) is not read at all: then the block is declared.
 */
export const blockImage = playbook({
  name: "block-image",
  title: "Block an image in the cluster",
  kind: "containment",
  target: "image",
  parameters,
  permissions: {
    kubernetes: [
      { ...admission, resource: "validatingadmissionpolicies" },
      { ...admission, resource: "validatingadmissionpolicybindings" },
      { apiGroup: "", resource: "pods", verbs: ["list"] },
      {
        apiGroup: LIST_GROUP,
        resource: LIST_RESOURCE,
        verbs: ["get", "patch"],
        resourceNames: [BLOCK_LIST],
        namespace: OWN_NAMESPACE,
      },
      { apiGroup: "", resource: "podtemplates", verbs: ["create"], namespace: OWN_NAMESPACE },
      // The list as an earlier version had it, until the manifests are applied again.
      {
        apiGroup: "",
        resource: "configmaps",
        verbs: ["get", "patch"],
        resourceNames: [BLOCK_LIST],
        namespace: OWN_NAMESPACE,
      },
    ],
    arm: [],
  },
  impact,
  highImpact: true,
  reversible: true,
  destroysEvidence: false,

  needsApproval: ({ wholeRepository }) =>
    wholeRepository ? "it blocks every tag of a repository, so a person decides" : null,

  async plan({ target, parameters: { neverBlock, wholeRepository }, remediationId }, { read }) {
    const entries = blockedEntries(target, { neverBlock, wholeRepository });
    if ("obstacle" in entries) {
      return { outcome: "skip", reason: `The ${describeTarget(target)} ${entries.obstacle}.` };
    }
    const reader = read.kubernetes(target.cluster);
    const list = requireList(await reader.blockList());
    const value = blockListValue(remediationId);
    const taken = entries.keys.filter((key) => !isFree(list, key, value));
    const keys = entries.keys.filter((key) => !taken.includes(key));
    if (keys.length === 0) {
      return {
        outcome: "no-op",
        reason: `The ${describeTarget(target)} is blocked already.`,
        identity: list.uid,
      };
    }
    if (Object.keys(list.entries).length + keys.length > MOST_ENTRIES) {
      return { outcome: "skip", reason: `The block list is full with ${MOST_ENTRIES} entries.` };
    }
    const { pulled } = list;
    const running: RunningImages =
      pulled === undefined
        ? await runningImages(reader, keys, neverBlock)
        : { sentences: unseenLimits(pulled) };
    if ("platform" in running) {
      return {
        outcome: "skip",
        reason: `The ${describeTarget(target)} is never blocked, since ${running.platform}: without what the platform needs the cluster could not be repaired.`,
      };
    }
    return {
      outcome: "change",
      draft: {
        identity: list.uid,
        steps: keys.map((key) => ({
          sentence: `add ${key} to the block list`,
          touches: [
            touchedField(target.cluster, OBJECTS[list.form], `${FIELDS[list.form].join(".")}.${key}`),
          ],
          before: null,
          after: value,
        })),
        impact,
        limits: [
          ...running.sentences,
          ...entries.limits,
          ...(pulled === undefined ? [PROVED] : []),
          ...(list.form === "ConfigMap" ? [EARLIER_FORM] : []),
          ...taken.map((key) => `${key} is in the list already, and stays when this is taken back.`),
        ],
        data: { keys },
      },
    };
  },

  async apply(plan, { read, write }) {
    const { cluster } = plannedTarget(plan, "image");
    const value = blockListValue(plan.remediationId);
    const list = requireList(await read.kubernetes(cluster).blockList());
    const missing = requireOwn(list, plan).filter((key) => list.entries[key] === undefined);
    if (missing.length > 0) {
      await write
        .kubernetes(cluster)
        .changeBlockList(list, Object.fromEntries(missing.map((key) => [key, value])));
    }
  },

  async verify(plan, { read }) {
    const { cluster } = plannedTarget(plan, "image");
    const value = blockListValue(plan.remediationId);
    const reader = read.kubernetes(cluster);
    const list = await reader.blockList();
    if (list === null) {
      return { verdict: "absent", reason: "The block list, its admission policy or its binding has gone." };
    }
    const { keys } = dataSchema.parse(plan.data);
    const lost = keys.filter((key) => list.entries[key] !== value);
    if (lost.length > 0) {
      return { verdict: "absent", reason: `The block list does not hold ${lost.join(", ")} as we wrote it.` };
    }
    return list.pulled === undefined ? probeImages(reader, keys) : pulledProof(list.pulled);
  },

  async revert(plan, { read, write }) {
    const { cluster } = plannedTarget(plan, "image");
    const list = await read.kubernetes(cluster).blockList();
    if (list === null) {
      return {
        outcome: "gone",
        reason:
          "The admission policy, its binding or its list has gone: nothing is blocked. Entries left in the list block again once all three are back.",
      };
    }
    const present = requireOwn(list, plan).filter((key) => list.entries[key] !== undefined);
    if (present.length > 0) {
      await write
        .kubernetes(cluster)
        .changeBlockList(list, Object.fromEntries(present.map((key) => [key, null])));
    }
    return { outcome: "restored" };
  },
});

function isFree({ entries }: BlockList, key: string, value: string): boolean {
  return entries[key] === undefined || entries[key] === value;
}

/** The plan's keys; raises `Conflict` where somebody else has put another value under one of them. */
function requireOwn(list: BlockList, plan: Plan): readonly string[] {
  const { keys } = dataSchema.parse(plan.data);
  const value = blockListValue(plan.remediationId);
  const foreign = keys.filter((key) => !isFree(list, key, value));
  if (foreign.length > 0) {
    throw new Conflict(
      `Somebody else has changed ${foreign.join(", ")} in the block list.`,
      `Look at ${list.pulled?.place ?? `${list.form} ${OWN_NAMESPACE}/${BLOCK_LIST}`}: these entries were left alone.`,
      {
        remains: foreign.map(
          (key) =>
            `The block list keeps ${key} as somebody else wrote it${byWhom(list, [...FIELDS[list.form], key])}.`,
        ),
      },
    );
  }
  return keys;
}

function requireList(list: BlockList | null): BlockList {
  if (list === null) {
    throw new Refused(
      `The cluster has no block list: admission policy ${BLOCK_POLICY}, its binding and AdmissionList ${OWN_NAMESPACE}/${BLOCK_LIST} are needed.`,
      "Apply the operator's manifests once: kubectl apply -f infra/kubernetes",
    );
  }
  return list;
}
