import { z } from "zod";
import { FIELD_MANAGER } from "../../model/incident-mark.ts";
import type { ScaledObject, ScaledObjectReader, ScaledObjectWriter } from "../../model/scaled-object.ts";
import { isForbidden, isNotServed, StrangeAnswer } from "./classify-error.ts";
import type { Apis, Connection } from "./connection.ts";
import { type CustomObject, checkedCustom, customMetadata } from "./custom-object.ts";
import { checkName, checkNamespace } from "./object-names.ts";
import { identityFrom } from "./objects-from-api.ts";

const KEDA = { group: "keda.sh", version: "v1alpha1", plural: "scaledobjects" } as const;
const KIND = "ScaledObject";
const of = { apiGroup: KEDA.group, resource: KEDA.plural } as const;

const listSchema = z.object({
  kind: z.literal(`${KIND}List`),
  items: z.array(z.looseObject({ metadata: z.looseObject({ name: z.string() }) })),
});
/** KEDA takes a Deployment where no kind is written. */
const specSchema = z.looseObject({
  scaleTargetRef: z.looseObject({ kind: z.string().min(1).catch("Deployment"), name: z.string() }),
});

/** See `ScaledObjectReader`. */
export function readScaledObjects({ call, find }: Connection): ScaledObjectReader {
  return {
    async scaledObject(namespace, name) {
      checkNamespace(namespace);
      checkName(name);
      return find({ verb: "get", ...of, namespace, name }, async (apis) => {
        const answer = await orNull(apis.custom.getNamespacedCustomObject({ ...KEDA, namespace, name }));
        return answer === null
          ? null
          : objectFrom(apis, checkedCustom(answer, { kind: KIND, namespace, name }));
      });
    },
    async scaledObjects(namespace) {
      checkNamespace(namespace);
      return call({ verb: "list", ...of, namespace }, async (apis) => {
        try {
          const answer = await orNull(apis.custom.listNamespacedCustomObject({ ...KEDA, namespace }));
          return answer === null ? [] : listed(answer, namespace).map((item) => objectFrom(apis, item));
        } catch (error) {
          if (isForbidden(error)) return "unread";
          throw error;
        }
      });
    },
  };
}

/** See `ScaledObjectWriter`. */
export function writeScaledObjects({ call }: Connection): ScaledObjectWriter {
  return {
    async annotateScaledObject(namespace, name, { uid, resourceVersion }, { labels, annotations }) {
      checkNamespace(namespace);
      checkName(name);
      return call({ verb: "patch", ...of, namespace, name }, async (apis) => {
        const body = { metadata: { uid, resourceVersion, labels, annotations } };
        const answer: unknown = await apis.custom.patchNamespacedCustomObject(
          { ...KEDA, namespace, name, fieldManager: FIELD_MANAGER, body },
          apis.mergePatch,
        );
        return objectFrom(apis, checkedCustom(answer, { kind: KIND, namespace, name, uid }));
      });
    },
  };
}

/** Null where the kind itself is not installed: then 404 is no Status. */
async function orNull(asked: Promise<unknown>): Promise<unknown> {
  try {
    return await asked;
  } catch (error) {
    if (isNotServed(error)) return null;
    throw error;
  }
}

function listed(answer: unknown, namespace: string): CustomObject[] {
  const parsed = listSchema.safeParse(answer);
  if (!parsed.success) throw new StrangeAnswer(`The answer is no list of ${KIND}s.`);
  // What stands in a list does not say its kind everywhere.
  return parsed.data.items.map((item) =>
    checkedCustom({ ...item, kind: KIND }, { kind: KIND, name: item.metadata.name, namespace }),
  );
}

function objectFrom(apis: Apis, object: CustomObject): ScaledObject {
  const parsed = specSchema.safeParse(object["spec"]);
  if (!parsed.success) throw new StrangeAnswer(`The answer is a ${KIND} that scales nothing.`);
  const { kind, name } = parsed.data.scaleTargetRef;
  return { ...identityFrom(customMetadata(apis, object)), scales: { kind, name } };
}
