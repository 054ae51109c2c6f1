import { Permanent } from "../../model/errors.ts";

/** Vaults of the clouds that there are: no other host ever gets a token of ours. */
const SUFFIXES = ["vault.azure.net", "vault.usgovcloudapi.net", "vault.azure.cn"];
const ADDRESS = /^https:\/\/([a-z0-9-]{3,24})\.([a-z.]+)\/secrets\/([A-Za-z0-9-]{1,127})\/?$/;

/** One secret of a vault, its newest version. */
export interface SecretAddress {
  readonly origin: string;
  readonly name: string;
  /** What a token for the vault is asked for. */
  readonly scope: string;
}

/** Reads `https://VAULT.vault.azure.net/secrets/NAME`. Raises `Permanent` for everything else, a version included. */
export function secretAddress(text: string): SecretAddress {
  const [, vault = "", suffix = "", name = ""] = ADDRESS.exec(text) ?? [];
  if (SUFFIXES.includes(suffix)) {
    return { origin: `https://${vault}.${suffix}`, name, scope: `https://${suffix}/.default` };
  }
  throw new Permanent(
    "What should be read is not the address of a secret in a key vault.",
    "Write it as https://VAULT.vault.azure.net/secrets/NAME, without a version.",
  );
}
