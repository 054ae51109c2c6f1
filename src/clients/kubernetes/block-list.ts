import { BLOCK_LIST, BLOCK_POLICY } from "../../model/incident-mark.ts";
import type { BlockList } from "../../model/kubernetes-objects.ts";
import type { KubernetesWriter } from "../../model/kubernetes-port.ts";
import { changeAdmissionList, readAdmissionList } from "./admission-lists.ts";
import { changeConfigMapList, readConfigMapList } from "./config-map-lists.ts";
import type { Connection } from "./connection.ts";
import { isListBound, readListForm } from "./list-policy.ts";

const binding = { name: BLOCK_POLICY, policy: BLOCK_POLICY, list: BLOCK_LIST, action: "Deny" } as const;
const ways = {
  AdmissionList: { read: readAdmissionList, change: changeAdmissionList },
  ConfigMap: { read: readConfigMapList, change: changeConfigMapList },
} as const;

/** Reads the block list; null unless policy, binding and list are there and fit each other, so that an entry blocks. */
export async function readBlockList(connection: Connection): Promise<BlockList | null> {
  const [form, isBound] = await Promise.all([
    readListForm(connection, BLOCK_POLICY),
    isListBound(connection, binding),
  ]);
  if (form === null || !isBound) return null;
  const list = await ways[form].read(connection, BLOCK_LIST);
  return list === null ? null : { ...list, form };
}

/** The part of the writer that changes the block list, in whichever form the cluster has it. */
export function writeBlockList(connection: Connection): Pick<KubernetesWriter, "changeBlockList"> {
  return {
    async changeBlockList(seen, entries) {
      const { form } = seen;
      return { ...(await ways[form].change(connection, BLOCK_LIST, seen, entries)), form };
    },
  };
}
