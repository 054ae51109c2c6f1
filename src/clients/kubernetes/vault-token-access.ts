import type { Clock } from "../../model/clock.ts";
import { Retryable } from "../../model/errors.ts";
import type { ClusterConnect } from "../../model/rule.ts";
import type { Vault } from "../key-vault/index.ts";
import { secretAddress } from "../key-vault/secret-address.ts";
import type { LiveAccess } from "./live-access.ts";
import { authorityFrom, authorityIn, checkServer, type TokenMeans, tokenFrom } from "./token-access.ts";

/** What is read where. */
export interface VaultTokenMeans extends TokenMeans {
  readonly vault: Vault;
  readonly clock: Clock;
}

type ByVault = Extract<ClusterConnect, { kind: "vault-token" }>;

/** How long a token is used before it is read again. */
const KEPT_MS = 5 * 60_000;
/** How long it is remembered that it may not be read, so that a storm does not ask as often. */
const REFUSED_MS = 60_000;

/**
 * The way to a cluster with a service account's token that is read from a key vault, so that a rotated one, or one of an
 * hour, needs no restart: every five minutes, and again at once, at most once a minute, when the cluster does not know
 * it any more. Raises `Permanent` here and now for addresses and settings that cannot be right.
 */
export function vaultTokenAccess(name: string, connect: ByVault, means: VaultTokenMeans): LiveAccess {
  const { server, caSetting, caSecret, tokenSecret } = connect;
  checkServer(name, server, means.allowLoopback);
  for (const address of [tokenSecret, caSecret]) if (address !== null) secretAddress(address);
  const fixed = caSetting === null ? undefined : authorityIn(name, caSetting, means);
  const token = keptToken(
    async () => tokenFrom(await means.vault.secret(tokenSecret), `secret of ${name}`),
    means,
  );
  return {
    async locate() {
      // Asked when the cluster would not have us, among others: then the token may be a new one too.
      token.forget();
      const found = caSecret === null ? null : await means.vault.secret(caSecret);
      const authority = found === null ? fixed : authorityFrom(found, `secret (caSecret) of cluster ${name}`);
      return { server: server.replace(/\/$/, ""), authority };
    },
    token: token.get,
    moves: true,
    advice: {
      unauthorized: `Renew the token in the key vault (tokenSecret) of cluster ${name}: it does not know it.`,
      untrusted: `Correct the certificate authority of cluster ${name} (caSecret or caSetting): its server is not verified by it.`,
      strange: `Check the server of cluster ${name} in the configuration and any proxy in between.`,
    },
  };
}

/**
 * The token as last read; all who ask at once share one reading. While the vault cannot be reached the one before is
 * used on: the cluster says by itself when it no longer knows it.
 */
function keptToken(
  read: () => Promise<string>,
  { clock }: { readonly clock: Clock },
): { get(): Promise<string>; forget(): void } {
  let kept: { token: Promise<string>; readonly from: number; until: number } | null = null;
  let last: string | null = null;
  return {
    forget() {
      kept = null;
      last = null;
    },
    get() {
      const now = clock.now().getTime();
      if (kept !== null && now >= kept.from && now < kept.until) return kept.token;
      const before = last;
      const entry = { token: read(), from: now, until: now + KEPT_MS };
      kept = entry;
      entry.token = entry.token.then(
        (token) => {
          if (kept === entry) last = token;
          return token;
        },
        (error: unknown) => {
          const passes = error instanceof Retryable;
          entry.until = clock.now().getTime() + REFUSED_MS;
          if (passes && before !== null) return before;
          if (passes && kept === entry) kept = null;
          throw error;
        },
      );
      return entry.token;
    },
  };
}
