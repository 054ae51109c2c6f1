import type { V1ConfigMap } from "@kubernetes/client-node";
import type { AdmissionList } from "../../model/admission-list.ts";
import { FIELD_MANAGER, OWN_NAMESPACE } from "../../model/incident-mark.ts";
import { checkedMetadata } from "./checked-answer.ts";
import type { Connection } from "./connection.ts";
import { managersFrom } from "./managers-from-api.ts";

const of = (name: string) => ({ namespace: OWN_NAMESPACE, name });
const right = (name: string) => ({ apiGroup: "", resource: "configmaps", ...of(name) }) as const;

/** Reads a list that an earlier version had as a ConfigMap; null where it is not there, or where `isNone` says so of an error. */
export function readConfigMapList(
  { find }: Connection,
  name: string,
  isNone?: (error: unknown) => boolean,
): Promise<AdmissionList | null> {
  return find(
    { verb: "get", ...right(name) },
    async ({ core }) => listFrom(await core.readNamespacedConfigMap(of(name)), name),
    isNone,
  );
}

/** Adds (text) and removes (null) entries of such a list, of that state only. */
export function changeConfigMapList(
  { call }: Connection,
  name: string,
  { uid, resourceVersion }: { readonly uid: string; readonly resourceVersion: string },
  entries: Readonly<Record<string, string | null>>,
): Promise<AdmissionList> {
  return call({ verb: "patch", ...right(name) }, async ({ core, mergePatch }) => {
    const body = { metadata: { uid, resourceVersion }, data: entries };
    const changed = { ...of(name), fieldManager: FIELD_MANAGER, body };
    return listFrom(await core.patchNamespacedConfigMap(changed, mergePatch), name, uid);
  });
}

function listFrom(answer: V1ConfigMap, name: string, expected?: string): AdmissionList {
  const { uid, resourceVersion, managedFields } = checkedMetadata(answer, {
    kind: "ConfigMap",
    ...of(name),
    ...(expected === undefined ? {} : { uid: expected }),
  });
  return { uid, resourceVersion, entries: answer.data ?? {}, managers: managersFrom(managedFields) };
}
