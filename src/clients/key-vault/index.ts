import type { TokenCredential } from "@azure/identity";
import { z } from "zod";
import { Retryable } from "../../model/errors.ts";
import { boundedClient } from "../arm/bounded-client.ts";
import { classifyAnswer, classifyFault } from "../arm/classify-fault.ts";
import { inTime } from "../arm/in-time.ts";
import { type SecretAddress, secretAddress } from "./secret-address.ts";

/**
 * Secrets of key vaults, read as the app's identity: the newest version of each, whole. Raises `Permanent` for what is
 * no address, is not there or may not be read, `Retryable` for the rest. A value is never part of an error.
 */
export interface Vault {
  secret(address: string): Promise<string>;
}

/** How vaults are reached. */
export interface VaultMeans {
  /** The one identity that is used; it is never another. */
  readonly credential: TokenCredential;
  /** Limit of one whole call, the token included. */
  readonly timeoutMs: number;
  /** Where requests really go: a stand-in on this machine; null: to the vault. */
  readonly standIn: URL | null;
}

const VERSION = "7.4";
const CONCEALED_PAUSE_MS = 10_000;

const secretSchema = z.object({ id: z.string(), value: z.string().min(1) });

/** The client; nothing is loaded or asked before the first call. */
export function createVault(means: VaultMeans): Vault {
  return {
    async secret(address) {
      const at = secretAddress(address);
      const what = `GET secret ${at.name} of ${at.origin}`;
      try {
        return secretIn(await inTime(means.timeoutMs, (signal) => asked(at, means, what, signal)), at, what);
      } catch (error) {
        throw classifyFault(error, what);
      }
    },
  };
}

async function asked(
  { origin, name, scope }: SecretAddress,
  { credential, standIn }: VaultMeans,
  what: string,
  abortSignal: AbortSignal,
): Promise<string> {
  const sdk = await import("../arm/sdk.ts");
  const given = await credential.getToken(scope, { abortSignal });
  if (given === null) throw concealed(what);
  // Straight to the client: no policy that retries or follows a redirect is in between.
  const client = boundedClient(sdk.createDefaultHttpClient(), { origin, scope, standIn });
  const response = await client.sendRequest(
    sdk.createPipelineRequest({
      url: `${origin}/secrets/${name}?api-version=${VERSION}`,
      method: "GET",
      abortSignal,
      headers: sdk.createHttpHeaders({ accept: "application/json", authorization: `Bearer ${given.token}` }),
    }),
  );
  if (response.status !== 200) throw classifyAnswer(response, what);
  return response.bodyAsText ?? "";
}

/** The value, if the answer is about the secret that was asked for. */
function secretIn(text: string, { origin, name }: SecretAddress, what: string): string {
  const parsed = secretSchema.safeParse(parsedJson(text));
  const prefix = `${origin}/secrets/${name}/`.toLowerCase();
  if (parsed.success && parsed.data.id.toLowerCase().startsWith(prefix)) return parsed.data.value;
  throw concealed(what);
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What it quotes may be the secret.
    return null;
  }
}

function concealed(what: string): Retryable {
  return new Retryable(
    `The key vault did not give what it was asked for: ${what}.`,
    "It is asked again by itself.",
    {
      retryAfterMs: CONCEALED_PAUSE_MS,
    },
  );
}
