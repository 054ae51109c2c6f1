/** An image name, brought to the one spelling under which it can be compared. */
export interface ImageName {
  /** As it was written. */
  readonly written: string;
  /** Registry and path, `docker.io/library/` filled in: "docker.io/library/nginx". */
  readonly repository: string;
  /** The tag; "latest" where neither tag nor digest is given; empty where only a digest is. */
  readonly tag: string;
  /** "sha256:…", or empty. */
  readonly digest: string;
}

/**
 * Parses an image name by the rules of the shipped admission policy: the part before the first slash is a registry
 * only if it holds a dot or a colon or is `localhost`; `index.docker.io` is `docker.io`; one path part on docker.io
 * belongs to `library`; what follows the last colon is a tag only behind the last slash, so a port is none.
 */
export function parseImageName(written: string): ImageName {
  const [named = "", digest = ""] = written.split("@");
  const withRegistry = hasRegistry(named)
    ? named.replaceAll("index.docker.io/", "docker.io/")
    : `docker.io/${named}`;
  const full = /^docker[.]io\/[^/]+$/.test(withRegistry)
    ? withRegistry.replace("docker.io/", "docker.io/library/")
    : withRegistry;
  const colon = /:[^/]*$/.exec(full);
  if (colon === null) return { written, repository: full, tag: digest === "" ? "latest" : "", digest };
  const split = full.lastIndexOf(":");
  return { written, repository: full.slice(0, split), tag: full.slice(split + 1), digest };
}

function hasRegistry(name: string): boolean {
  return name.includes("/") && /[.:]|^localhost$/.test(name.split("/")[0] ?? "");
}

/**
 * The keys of the block list that deny this image: its digest (`.` for `:`), its repository (`/` as _S_, `:` as _C_)
 * and its repository with `_T_` and tag.
 */
export function blockKeys(image: ImageName): string[] {
  const repository = image.repository.replaceAll("/", "_S_").replaceAll(":", "_C_");
  const digest = image.digest === "" ? [] : [image.digest.replaceAll(":", ".")];
  return [...digest, repository, `${repository}_T_${image.tag}`];
}
