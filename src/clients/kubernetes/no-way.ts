/** Errors that say of a way that it does not lead to the cluster, and whether the request may have left on it. */
const marked = new WeakMap<Error, { readonly mayHaveLeft: boolean }>();

/**
 * Marks an error that speaks of the way and not of what was asked: nobody is there, or the way is not one to this kind
 * of cluster. Being turned away (401, 403, an untrusted certificate) is never marked.
 */
export function asNoWay<E extends Error>(error: E, { mayHaveLeft }: { readonly mayHaveLeft: boolean }): E {
  marked.set(error, { mayHaveLeft });
  return error;
}

/** The mark of an error; null: another way must not be tried for it. */
export function noWay(error: unknown): { readonly mayHaveLeft: boolean } | null {
  return error instanceof Error ? (marked.get(error) ?? null) : null;
}
