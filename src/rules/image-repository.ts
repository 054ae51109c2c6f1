/** The repository of an image reference: registry and path as written, without tag and digest. */
export function imageRepository(reference: string): string {
  const tagged = reference.split("@", 1)[0] ?? reference;
  // A colon before the last slash belongs to the registry's port.
  const colon = tagged.indexOf(":", tagged.lastIndexOf("/"));
  return colon === -1 ? tagged : tagged.slice(0, colon);
}
