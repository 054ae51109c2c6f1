const DIGEST = /^sha256:[0-9a-f]{64}$/i;

/** A digest as written, or null where the text is none. */
export function digestOf(text: string | null): string | null {
  return text !== null && DIGEST.test(text) ? text : null;
}

/** The digest inside `repository@sha256:…` or `/repositories/…/images/sha256:…`, as written; null where there is none. */
export function digestWithin(text: string | null): string | null {
  if (text === null) return null;
  const start = Math.max(text.lastIndexOf("@"), text.lastIndexOf("/"));
  return digestOf(text.slice(start + 1));
}
