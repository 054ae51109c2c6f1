/** Links that a message may hold. They come from settings, never from an alert. */
export interface MessageLinks {
  /** Address of the page or portal where remediations are looked at. */
  readonly console?: string | undefined;
}

/** The address in normal form if it is https and free of credentials, else null: nothing else is offered to click. */
export function httpsLink(address: string | undefined): string | null {
  const url = address === undefined ? null : URL.parse(address);
  const safe = url !== null && url.protocol === "https:" && url.username === "" && url.password === "";
  return safe ? url.href : null;
}
