import type { Target } from "../model/target.ts";
import { PROBE_REPOSITORY } from "../model/tried-pod.ts";
import {
  isDigest,
  keyOfDigest,
  keyOfRepository,
  keysOfReference,
  LONGEST_KEY,
  parseImageReference,
} from "./image-reference.ts";

type Image = Extract<Target, { kind: "image" }>;

/** What of an image can be put into the block list, and what that does not cover. */
export type BlockedEntries =
  | { readonly keys: readonly string[]; readonly limits: readonly string[] }
  | { readonly obstacle: string };

/**
 * The keys of the block list for an image: for its reference, for its digest, or for both. An admission policy sees
 * only what a pod's author wrote, so each covers what the other does not. `neverBlock` names repositories, whole or
 * with `/*` at the end for all below; `wholeRepository` takes every tag instead of one.
 */
export function blockedEntries(
  { reference, digest }: Image,
  {
    neverBlock,
    wholeRepository,
  }: { readonly neverBlock: readonly string[]; readonly wholeRepository: boolean },
): BlockedEntries {
  const parsed = reference === null ? null : parseImageReference(reference);
  const protector =
    parsed === null
      ? undefined
      : [PROBE_REPOSITORY, ...neverBlock].find((pattern) => covers(pattern, parsed.repository));
  if (protector !== undefined) {
    return { obstacle: `is never blocked, since it comes from ${protector}` };
  }
  if (wholeRepository && (parsed === null || keyOfRepository(parsed).length > LONGEST_KEY)) {
    return { obstacle: "names no repository that the block list could hold" };
  }
  const byReference =
    parsed === null ? [] : wholeRepository ? [keyOfRepository(parsed)] : keysOfReference(parsed);
  const byDigest = digest !== null && isDigest(digest) ? [keyOfDigest(digest)] : [];
  const keys = [...new Set([...byReference, ...byDigest])];
  if (keys.length === 0) {
    return { obstacle: "has neither a digest nor a reference that the block list could hold" };
  }
  return { keys, limits: limitsOf(keys, wholeRepository) };
}

function limitsOf(keys: readonly string[], wholeRepository: boolean): string[] {
  const hasDigest = keys.some((key) => /^sha\d+\./.test(key));
  const hasTag = keys.some((key) => key.includes("_T_")) || wholeRepository;
  return [
    ...(hasDigest ? [] : ["The same image named by its digest is not blocked: the digest is not known."]),
    ...(hasTag ? [] : ["The same image named by a tag only is not blocked: no tag is known."]),
    `The same content under another name${wholeRepository ? "" : " or tag"}, and pods that run already, are not touched.`,
  ];
}

/** Does a repository match a pattern: a whole name, or `/*` at the end for all below? */
export function covers(pattern: string, repository: string): boolean {
  const name = repository.toLowerCase();
  return pattern.endsWith("/*")
    ? name.startsWith(pattern.slice(0, -1).toLowerCase())
    : name === pattern.toLowerCase();
}
