import type { V1ObjectMeta } from "@kubernetes/client-node";
import { StrangeAnswer } from "./classify-error.ts";

/** What an answer must be about. */
export interface Expected {
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
}

/** The metadata that every stored object has. */
export interface CheckedMetadata extends V1ObjectMeta {
  name: string;
  uid: string;
  resourceVersion: string;
  creationTimestamp: Date;
}

/** An answer to a deletion: a status that names what has gone, or the object. */
export interface Deleted {
  readonly kind?: string | undefined;
  readonly status?: string | undefined;
  readonly details?: { readonly name?: string | undefined; readonly uid?: string | undefined } | undefined;
}

/** A typed answer as the client hands it out, in which everything may be missing. */
export interface Answer {
  kind?: string;
  metadata?: V1ObjectMeta;
}

/**
 * The answer's metadata, if the answer is the object that was asked for; raises `StrangeAnswer` otherwise. The
 * client makes an empty object of any page with status 200, so an answer is no success by itself.
 */
export function checkedMetadata(answer: Answer, { kind, name, namespace, uid }: Expected): CheckedMetadata {
  const { metadata } = answer;
  const same =
    answer.kind === kind &&
    metadata?.name === name &&
    (namespace === undefined || metadata.namespace === namespace) &&
    (uid === undefined || metadata.uid === uid);
  if (!same) {
    throw new StrangeAnswer(`The answer is not ${kind} ${name}.`);
  }
  return completeMetadata(metadata);
}

/** The metadata of an item of a list, which has no kind of its own; raises `StrangeAnswer` where it is not whole. */
export function completeMetadata(metadata: V1ObjectMeta | undefined): CheckedMetadata {
  const { name, uid, resourceVersion, creationTimestamp } = metadata ?? {};
  if (!(name && uid && resourceVersion && creationTimestamp instanceof Date)) {
    throw new StrangeAnswer("The answer holds an object without name, uid, version or time.");
  }
  return { ...metadata, name, uid, resourceVersion, creationTimestamp };
}

/**
 * Raises `StrangeAnswer` unless the answer says that just this object is deleted. With a finalizer on it the object itself
 * comes back, and goes later: typed as a status, nothing but its kind is left of it to be checked.
 */
export function checkedDeletion(answer: Deleted, { kind, name, uid }: Omit<Expected, "namespace">): void {
  const { details } = answer;
  const gone =
    answer.kind === "Status" &&
    answer.status === "Success" &&
    details?.name === name &&
    (uid === undefined || details.uid === uid);
  if (!gone && answer.kind !== kind) {
    throw new StrangeAnswer(
      `The answer to a deletion is neither success for ${kind} ${name} nor the object.`,
    );
  }
}

/** The items of a list of that kind; raises `StrangeAnswer` where the answer is no such list. */
export function checkedItems<T>(answer: { kind?: string; items?: T[] }, kind: string): T[] {
  if (answer.kind !== kind || !Array.isArray(answer.items)) {
    throw new StrangeAnswer(`The answer is not a ${kind}.`);
  }
  return answer.items;
}
