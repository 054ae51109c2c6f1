import type { AdmissionList, SeenList } from "./admission-list.ts";

/** How the list of pods is read into which nobody gets a session. */
export interface SessionListReader {
  /** Null when the policy, its binding or the list itself is missing, or one of them does not fit. */
  sessionList(): Promise<AdmissionList | null>;
}

/** How the list is changed. */
export interface SessionListWriter {
  /** Adds (text) and removes (null) entries in one change, if each of these is still as `seen`. */
  changeSessionList(seen: SeenList, entries: Readonly<Record<string, string | null>>): Promise<AdmissionList>;
}
