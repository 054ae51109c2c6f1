import { SESSION_LIST, SESSION_POLICY } from "../../model/incident-mark.ts";
import type { SessionListReader, SessionListWriter } from "../../model/session-list.ts";
import { changeAdmissionList, readDenyingList } from "./admission-lists.ts";
import type { Connection } from "./connection.ts";

/** The reading of the list over one connection. */
export function readSessionList(connection: Connection): SessionListReader {
  return { sessionList: () => readDenyingList(connection, SESSION_POLICY, SESSION_LIST) };
}

/** The changing of the list over one connection. */
export function writeSessionList(connection: Connection): SessionListWriter {
  return {
    changeSessionList: (seen, entries) => changeAdmissionList(connection, SESSION_LIST, seen, entries),
  };
}
