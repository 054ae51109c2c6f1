import type { FieldManager } from "./field-managers.ts";

/** API group and version of the kind of our own lists, which our admission policies read. */
export const LIST_GROUP = "defender-reflex.dev";

/** Version of that kind. */
export const LIST_VERSION = "v1";

/** The kind, and its resource, of the lists. */
export const LIST_KIND = "AdmissionList";

/** The resource of the lists, as rights and paths name it. */
export const LIST_RESOURCE = "admissionlists";

/** The most entries that the API server lets into one list: with these it still fits into what etcd takes. */
export const MOST_ENTRIES = 10_000;

/** A list that an admission policy of ours reads: entries by key. */
export interface AdmissionList {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly entries: Readonly<Record<string, string>>;
  readonly managers: readonly FieldManager[];
}

/**
 * A list as it was read, for a change of entries: the change holds if each of these is still as it was read. What others
 * do to other entries meanwhile is no matter, or a wave of remediations would keep each other from writing.
 */
export type SeenList = Pick<AdmissionList, "uid" | "resourceVersion" | "entries">;
