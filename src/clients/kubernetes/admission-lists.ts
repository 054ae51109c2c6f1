import { z } from "zod";
import {
  type AdmissionList,
  LIST_GROUP,
  LIST_KIND,
  LIST_RESOURCE,
  LIST_VERSION,
  type SeenList,
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

/**
 * Adds (text) and removes (null) entries of one of our lists, if each of these is still as it was seen. The API server
 * itself puts changes of different entries after one another, so that nobody is sent back because another came first.
 */
export function changeAdmissionList(
  { call }: Connection,
  name: string,
  seen: SeenList,
  entries: Readonly<Record<string, string | null>>,
): Promise<AdmissionList> {
  return call({ verb: "patch", ...right(name) }, async (apis) => {
    const [body, patch] =
      Object.keys(seen.entries).length === 0
        ? ([firstEntries(seen, entries), apis.mergePatch] as const)
        : ([changedEntries(seen, entries), apis.jsonPatch] as const);
    const answer: unknown = await apis.custom.patchNamespacedCustomObject(
      { ...of(name), fieldManager: FIELD_MANAGER, body },
      patch,
    );
    return listFrom(apis, answer, name, seen.uid);
  });
}

/** There may be no map yet that an entry could be added to: then of this very state of the list only. */
function firstEntries({ uid, resourceVersion }: SeenList, entries: Readonly<Record<string, string | null>>) {
  return { metadata: { uid, resourceVersion }, spec: { entries } };
}

/** RFC 6902; a test against null holds for what is not there (kept true by the suite on the real API server). */
function changedEntries({ uid, entries: seen }: SeenList, entries: Readonly<Record<string, string | null>>) {
  return [
    { op: "test", path: "/metadata/uid", value: uid },
    ...Object.entries(entries).flatMap(([key, value]) => {
      const path = `/spec/entries/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
      const was = seen[key] ?? null;
      const test = { op: "test", path, value: was };
      if (value !== null) return [test, { op: "add", path, value }];
      return was === null ? [test] : [test, { op: "remove", path }];
    }),
  ];
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
