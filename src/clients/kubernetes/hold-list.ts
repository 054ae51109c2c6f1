import { HOLD_LIST, HOLD_POLICY } from "../../model/incident-mark.ts";
import type { KubernetesReader, KubernetesWriter } from "../../model/kubernetes-port.ts";
import { changeAdmissionList, readDenyingList } from "./admission-lists.ts";
import type { Connection } from "./connection.ts";

/** The part of the reader that reads the list of held workloads. */
export function readHoldList(connection: Connection): Pick<KubernetesReader, "holdList"> {
  return { holdList: () => readDenyingList(connection, HOLD_POLICY, HOLD_LIST) };
}

/** The write of that list. */
export function writeHoldList(connection: Connection): Pick<KubernetesWriter, "changeHoldList"> {
  return {
    changeHoldList: (seen, entries) => changeAdmissionList(connection, HOLD_LIST, seen, entries),
  };
}
