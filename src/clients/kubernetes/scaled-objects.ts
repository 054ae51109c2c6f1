import { z } from "zod";
import { FIELD_MANAGER } from "../../model/incident-mark.ts";
import type { ScaledObject, ScaledObjectReader, ScaledObjectWriter } from "../../model/scaled-object.ts";
import { isNotServed, StrangeAnswer } from "./classify-error.ts";
import type { Apis, Connection } from "./connection.ts";
import { type CustomObject, checkedCustom, checkedCustomItems, customMetadata } from "./custom-object.ts";
import { checkName, checkNamespace } from "./object-names.ts";
import { identityFrom } from "./objects-from-api.ts";
import { isUnreadable, unreadable } from "./unreadable.ts";

const KEDA = { group: "keda.sh", version: "v1alpha1", plural: "scaledobjects" } as const;
const KIND = "ScaledObject";
const of = { apiGroup: KEDA.group, resource: KEDA.plural } as const;

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
      return find(
        { verb: "get", ...of, namespace, name },
        async (apis) => {
          const answer: unknown = await apis.custom.getNamespacedCustomObject({ ...KEDA, namespace, name });
          return objectFrom(apis, checkedCustom(answer, { kind: KIND, namespace, name }));
        },
        isNotServed,
      );
    },
    async scaledObjects(namespace) {
      checkNamespace(namespace);
      return call({ verb: "list", ...of, namespace }, async (apis) => {
        const asked = apis.custom.listNamespacedCustomObject({ ...KEDA, namespace });
        const answer: unknown = await asked.catch(unreadable);
        if (isUnreadable(answer)) return answer === "unserved" ? [] : answer;
        return checkedCustomItems(answer, `${KIND}List`, namespace).map((item) => objectFrom(apis, item));
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

function objectFrom(apis: Apis, object: CustomObject): ScaledObject {
  const parsed = specSchema.safeParse(object["spec"]);
  if (!parsed.success) throw new StrangeAnswer(`The answer is a ${KIND} that scales nothing.`);
  const { kind, name } = parsed.data.scaleTargetRef;
  return { ...identityFrom(customMetadata(apis, object)), scales: { kind, name } };
}
