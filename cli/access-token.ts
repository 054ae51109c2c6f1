import { z } from "zod";
import type { ApiAddress } from "./api-address.ts";
import { type CommandIo, setting } from "./command-io.ts";
import { errorCode, errorWords } from "./error-words.ts";
import { Stop } from "./stop.ts";

const TIMEOUT_SECONDS = 10;
/** What a token is made of. Anything else would come back in the words of an error about a header. */
const TOKEN = /^[\w.~+/=-]{1,32768}$/;
const tokenSchema = z.object({ token: z.string().regex(TOKEN) });

/** How a person gets a token. */
export const HOW_TO_SIGN_IN =
  "set REFLEX_TOKEN, or sign in with `az login` and set REFLEX_TENANT and REFLEX_AUDIENCE as the app has them";

/**
 * The token for this address: a local start's own (REFLEX_AS names who of it asks), else REFLEX_TOKEN, else one that the
 * Azure CLI gets for REFLEX_TENANT and REFLEX_AUDIENCE; undefined without any of these. Raises `Stop`.
 */
export async function accessToken(io: CommandIo, { tokenUrl }: ApiAddress): Promise<string | undefined> {
  if (tokenUrl !== undefined) return localToken(io, tokenUrl);
  const given = setting(io, "REFLEX_TOKEN");
  if (given !== undefined) {
    if (TOKEN.test(given)) return given;
    throw new Stop(2, "REFLEX_TOKEN is no access token; set it to the token alone, without `Bearer`");
  }
  const tenant = setting(io, "REFLEX_TENANT");
  const [audience] = setting(io, "REFLEX_AUDIENCE")?.split(/[\s,]+/) ?? [];
  if (tenant === undefined && audience === undefined) return undefined;
  if (tenant === undefined || audience === undefined) {
    const missing = tenant === undefined ? "REFLEX_TENANT" : "REFLEX_AUDIENCE";
    throw new Stop(
      2,
      `${missing} is not set; to get a token both REFLEX_TENANT and REFLEX_AUDIENCE are needed`,
    );
  }
  return azureToken(io, tenant, audience);
}

async function azureToken(io: CommandIo, tenant: string, audience: string): Promise<string> {
  try {
    return await io.azureToken(tenant, `${audience}/.default`);
  } catch (error) {
    throw new Stop(
      1,
      `the Azure CLI gives no token (${errorWords(error)}); sign in with \`az login --tenant ${tenant}\`, or set REFLEX_TOKEN`,
    );
  }
}

async function localToken(io: CommandIo, tokenUrl: URL): Promise<string> {
  const url = new URL(tokenUrl);
  const who = setting(io, "REFLEX_AS");
  if (who !== undefined) url.searchParams.set("as", who);
  let response: Response;
  let answer: unknown;
  try {
    const signal = AbortSignal.timeout(TIMEOUT_SECONDS * 1000);
    response = await io.fetch(url, { redirect: "manual", signal });
    answer = await response.json();
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new Stop(
      1,
      `the local start gives no token at ${url.origin} (${errorCode(cause) ?? errorWords(cause)}); start it again with \`npm start\``,
    );
  }
  const parsed = tokenSchema.safeParse(answer);
  if (response.ok && parsed.success) return parsed.data.token;
  if (response.status === 400 && who !== undefined)
    throw new Stop(2, `the local start knows no ${who}; set REFLEX_AS to ada, grace or pipeline`);
  throw new Stop(1, `the local start gives no token at ${url.origin}; start it again with \`npm start\``);
}
