import { PROBE_REPOSITORY } from "../model/tried-pod.ts";

/** A reference to an image, spelled out: registry and repository, then tag or digest or both. */
export interface ImageReference {
  /** `docker.io/library/nginx`, `registry.example:5000/team/app`. */
  readonly repository: string;
  /** Null where only the digest counts. */
  readonly tag: string | null;
  readonly digest: string | null;
}

const HOST =
  /^([A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?(\.[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?)*|\[[0-9a-f:]+\])(:\d{1,5})?$/;
const PATH = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

/** The longest key that both forms of the list take. */
export const LONGEST_KEY = 253;

/** Is this a digest of the kinds that registries use? */
export function isDigest(digest: string): boolean {
  return DIGEST.test(digest);
}

/**
 * Spells a reference out as the admission policy does: `nginx` is `docker.io/library/nginx:latest`. Null where it
 * is no reference: whatever does not match the grammar goes into no list.
 */
export function parseImageReference(text: string): ImageReference | null {
  const [named = "", digest = null, ...rest] = text.split("@");
  const tagged = /^(.*):([^/]*)$/.exec(named);
  const written = tagged?.[1] ?? named;
  const tag = tagged?.[2] ?? (digest === null ? "latest" : null);
  const repository = spelledOut(written);
  const slash = repository.indexOf("/");
  const valid =
    rest.length === 0 &&
    HOST.test(repository.slice(0, slash)) &&
    PATH.test(repository.slice(slash + 1)) &&
    (tag === null || TAG.test(tag)) &&
    (digest === null || DIGEST.test(digest));
  return valid ? { repository, tag, digest } : null;
}

/** The keys of the block list that stand for a reference: its tag, its digest, or both; too long ones are left out. */
export function keysOfReference({ repository, tag, digest }: ImageReference): string[] {
  const name = keyOfRepository({ repository });
  const keys = tag === null ? [] : [`${name}_T_${tag}`];
  return [...keys, ...(digest === null ? [] : [keyOfDigest(digest)])].filter(
    (key) => key.length <= LONGEST_KEY,
  );
}

/** The key of the block list that stands for a digest in whatever repository. */
export function keyOfDigest(digest: string): string {
  return digest.replace(":", ".");
}

/** The key of the block list that stands for every tag of a repository. */
export function keyOfRepository({ repository }: Pick<ImageReference, "repository">): string {
  return repository.replaceAll("/", "_S_").replaceAll(":", "_C_");
}

/** A reference that the entry of this key keeps out; where the entry names no repository or no tag, one is made up. */
export function referenceOfKey(key: string): string {
  const digest = /^(sha\d+)\.([0-9a-f]+)$/.exec(key);
  if (digest !== null) return `${PROBE_REPOSITORY}@${digest[1]}:${digest[2]}`;
  // A tag may hold what stands for a slash; a repository has no capital letters, so the first mark ends it.
  const end = key.indexOf("_T_");
  const name = (end < 0 ? key : key.slice(0, end)).replaceAll("_S_", "/").replaceAll("_C_", ":");
  return `${name}:${end < 0 ? "any" : key.slice(end + 3)}`;
}

function spelledOut(written: string): string {
  const [first = "", ...rest] = written.split("/");
  if (rest.length === 0) {
    return `docker.io/library/${written}`;
  }
  if (!/[.:]/.test(first) && first !== "localhost") {
    return `docker.io/${written}`;
  }
  const host = first === "index.docker.io" ? "docker.io" : first;
  const path = host === "docker.io" && rest.length === 1 ? `library/${rest[0]}` : rest.join("/");
  return `${host}/${path}`;
}
