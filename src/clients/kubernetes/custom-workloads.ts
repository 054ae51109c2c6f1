import type { V1ObjectMeta, V1ReplicationController } from "@kubernetes/client-node";
import { z } from "zod";
import { StrangeAnswer } from "./classify-error.ts";
import type { WorkloadAnswer, WorkloadResource } from "./workload-resources.ts";

const text = z.record(z.string(), z.string());
const time = z.iso.datetime().transform((at) => new Date(at));
const template = z.object({
  metadata: z.object({ labels: text.optional() }).optional(),
  spec: z.object({ priorityClassName: z.string().optional() }).optional(),
});

/** What we read of a workload whose kind the client does not know; what else it holds is not looked at. */
const answerSchema = z.object({
  kind: z.string(),
  metadata: z.object({
    name: z.string(),
    namespace: z.string().optional(),
    uid: z.string(),
    resourceVersion: z.string(),
    creationTimestamp: time,
    deletionTimestamp: time.optional(),
    labels: text.optional(),
    annotations: text.optional(),
    ownerReferences: z
      .array(
        z.object({
          apiVersion: z.string(),
          kind: z.string(),
          name: z.string(),
          uid: z.string(),
          controller: z.boolean().optional(),
        }),
      )
      .optional(),
    managedFields: z
      .array(
        z.object({
          manager: z.string().optional(),
          operation: z.string().optional(),
          time: time.optional(),
          fieldsV1: z.unknown(),
        }),
      )
      .optional(),
  }),
  spec: z
    .object({
      replicas: z.int().optional(),
      /** A DeploymentConfig's is a map of labels, a Rollout's a selector. */
      selector: z.record(z.string(), z.unknown()).optional(),
      template: template.nullish(),
    })
    .optional(),
  status: z.object({ replicas: z.int().optional() }).optional(),
});
const expression = z.object({
  key: z.string(),
  operator: z.string(),
  values: z.array(z.string()).optional(),
});
const selectorSchema = z.union([
  z.strictObject({ matchLabels: text.optional(), matchExpressions: z.array(expression).optional() }),
  text.transform((matchLabels) => ({ matchLabels })),
]);

/** The resource of a kind that is there only where somebody has installed it. */
export function customWorkload(of: {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
}): WorkloadResource {
  return {
    apiGroup: of.group,
    version: of.version,
    resource: of.plural,
    read: async ({ custom }, named) =>
      fromCustom(await custom.getNamespacedCustomObject({ ...of, ...named })),
    patch: async ({ custom, mergePatch }, named) =>
      fromCustom(await custom.patchNamespacedCustomObject({ ...of, ...named }, mergePatch)),
  };
}

function fromCustom(answer: unknown): WorkloadAnswer {
  const parsed = answerSchema.safeParse(answer);
  if (!parsed.success) throw new StrangeAnswer("The answer is no workload that we know how to read.");
  const { kind, metadata, spec, status } = parsed.data;
  const { replicas, selector, template: pods } = spec ?? {};
  const selecting = selector === undefined ? undefined : selectorSchema.safeParse(selector).data;
  return {
    kind,
    metadata: present(metadata) as V1ObjectMeta,
    spec: present({ replicas, selector: selecting, template: pods ?? undefined }) as NonNullable<
      WorkloadAnswer["spec"]
    >,
    status: present({ ...status }) as NonNullable<WorkloadAnswer["status"]>,
  };
}

/** The same object without the keys that hold nothing, which the client's types do not allow. */
function present(object: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}

/** A ReplicationController with its map of labels as the selector that all other kinds have. */
export function selectedByLabels(answer: V1ReplicationController): WorkloadAnswer {
  const { spec, ...rest } = answer;
  const { selector, ...others } = spec ?? {};
  return {
    ...rest,
    spec: { ...others, ...(selector === undefined ? {} : { selector: { matchLabels: selector } }) },
  };
}
