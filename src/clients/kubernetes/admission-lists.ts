import { z } from "zod";
import {
  type AdmissionList,
  LIST_GROUP,
  LIST_KIND,
  LIST_RESOURCE,
  LIST_VERSION,
} from "../../model/admission-list.ts";
import { FIELD_MANAGER, OWN_NAMESPACE } from "../../model/incident-mark.ts";
import { isNotServed, StrangeAnswer } from "./classify-error.ts";
import type { Apis, Connection } from "./connection.ts";
import { checkedCustom, customMetadata } from "./custom-object.ts";
import { isListBound, readListForm } from "./list-policy.ts";
import { managersFrom } from "./managers-from-api.ts";

const specSchema = z.object({ entries: z.record(z.string(), z.string()).optional() }).optional();

/** What names one of our lists to the client. */
const of = (name: string) => ({
  group: LIST_GROUP,
  version: LIST_VERSION,
  namespace: OWN_NAMESPACE,
  plural: LIST_RESOURCE,
  name,
});
const right = (name: string) =>
  ({ apiGroup: LIST_GROUP, resource: LIST_RESOURCE, namespace: OWN_NAMESPACE, name }) as const;

/**
 * Reads one of our lists; null where the list, or its whole kind, is not there, or where `isNone` says so of an error. Ask
 * only who has just answered as the API server: of a kind that it does not know it says nothing more than a proxy would.
 */
export function readAdmissionList(
  { find }: Connection,
  name: string,
  isNone: (error: unknown) => boolean = isNotServed,
): Promise<AdmissionList | null> {
  return find(
    { verb: "get", ...right(name) },
    async (apis) => listFrom(apis, await apis.custom.getNamespacedCustomObject(of(name)), name),
    isNone,
  );
}

/** As `readAdmissionList`; null as well unless policy and binding are there and deny by this list, so that an entry counts. */
export async function readDenyingList(
  connection: Connection,
  policy: string,
  name: string,
): Promise<AdmissionList | null> {
  const [form, isBound] = await Promise.all([
    readListForm(connection, policy),
    isListBound(connection, { name: policy, policy, list: name, action: "Deny" }),
  ]);
  return form === "AdmissionList" && isBound ? readAdmissionList(connection, name) : null;
}

/** Adds (text) and removes (null) entries of one of our lists, of that state only. */
export function changeAdmissionList(
  { call }: Connection,
  name: string,
  { uid, resourceVersion }: { readonly uid: string; readonly resourceVersion: string },
  entries: Readonly<Record<string, string | null>>,
): Promise<AdmissionList> {
  return call({ verb: "patch", ...right(name) }, async (apis) => {
    const body = { metadata: { uid, resourceVersion }, spec: { entries } };
    const answer: unknown = await apis.custom.patchNamespacedCustomObject(
      { ...of(name), fieldManager: FIELD_MANAGER, body },
      apis.mergePatch,
    );
    return listFrom(apis, answer, name, uid);
  });
}

function listFrom(apis: Apis, answer: unknown, name: string, uid?: string): AdmissionList {
  const object = checkedCustom(answer, {
    kind: LIST_KIND,
    namespace: OWN_NAMESPACE,
    name,
    ...(uid === undefined ? {} : { uid }),
  });
  const spec = specSchema.safeParse(object["spec"]);
  if (!spec.success) throw new StrangeAnswer(`The answer is not ${LIST_KIND} ${name}.`);
  const metadata = customMetadata(apis, object);
  return {
    uid: metadata.uid,
    resourceVersion: metadata.resourceVersion,
    entries: spec.data?.entries ?? {},
    managers: managersFrom(metadata.managedFields),
  };
}
