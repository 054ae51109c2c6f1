import type { errors, JWTPayload, JWTVerifyGetKey } from "jose";
import type { Caller } from "../../model/caller.ts";
import { Refused, Retryable } from "../../model/errors.ts";
import { callerOf, claimsSchema } from "./claims.ts";
import type { EntraSettings } from "./entra-settings.ts";

/** Clocks of two machines may be so far apart. */
const TOLERANCE_SECONDS = 60;
const FETCH_MS = 5_000;
/** Keys are asked for again after an hour, and at most every 30 s for a key that is not among them. */
const KEYS_MS = 3_600_000;
const COOLDOWN_MS = 30_000;
const RETRY_MS = 5_000;

/** Verifies one token and says whose it is. Raises `Refused` with what to do, `Retryable` where the issuer's keys cannot be had. */
export type VerifyToken = (token: string, now: Date) => Promise<Caller>;

type Jose = typeof import("./jose.ts");

/**
 * Verification of access tokens of one tenant: RS256, issuer, audience, tenant, times, object id. The library and the
 * keys are loaded with the first token.
 */
export function tokenVerifier(settings: EntraSettings): VerifyToken {
  let opened: Promise<{ readonly jose: Jose; readonly keys: JWTVerifyGetKey }> | undefined;
  const open = async () => {
    const jose = await import("./jose.ts");
    return { jose, keys: issuerKeys(jose, settings.keys) };
  };
  return async (token, now) => {
    opened ??= open();
    const { jose, keys } = await opened;
    const payload = await verified(jose, keys, settings, token, now);
    return callerOfToken(payload, settings);
  };
}

/** The issuer's keys. What says nothing about the token but only that the keys cannot be had raises `Retryable`. */
function issuerKeys(jose: Jose, url: URL): JWTVerifyGetKey {
  const { errors } = jose;
  // The library follows no redirect.
  const keys = jose.createRemoteJWKSet(url, {
    timeoutDuration: FETCH_MS,
    cacheMaxAge: KEYS_MS,
    cooldownDuration: COOLDOWN_MS,
  });
  return async (header, token) => {
    try {
      return await keys(header, token);
    } catch (cause) {
      const aboutToken =
        cause instanceof errors.JWKSNoMatchingKey ||
        cause instanceof errors.JWKSMultipleMatchingKeys ||
        cause instanceof errors.JOSENotSupported;
      if (aboutToken) throw cause;
      throw new Retryable(
        `The keys of the token's issuer could not be read from ${url.host}`,
        "Ask again in a moment; if this repeats, let the app reach that host.",
        { retryAfterMs: RETRY_MS, cause },
      );
    }
  };
}

async function verified(
  jose: Jose,
  keys: JWTVerifyGetKey,
  { issuer, audiences }: EntraSettings,
  token: string,
  now: Date,
): Promise<JWTPayload> {
  try {
    const { payload } = await jose.jwtVerify(token, keys, {
      algorithms: ["RS256"],
      issuer,
      audience: [...audiences],
      requiredClaims: ["exp", "iat", "oid", "tid"],
      clockTolerance: TOLERANCE_SECONDS,
      currentDate: now,
    });
    return payload;
  } catch (error) {
    if (error instanceof jose.errors.JOSEError) throw refusalOf(jose, error);
    throw error;
  }
}

function callerOfToken(payload: JWTPayload, { tenant }: EntraSettings): Caller {
  const parsed = claimsSchema.safeParse(payload);
  if (!parsed.success) {
    const claim = String(parsed.error.issues[0]?.path[0] ?? "content");
    throw new Refused(`The token's claim ${claim} is not as Entra writes it`, GET_ANOTHER);
  }
  const claims = parsed.data;
  if (claims.tid.toLowerCase() !== tenant) throw new Refused(FOREIGN, OWN_TENANT);
  const delegated = claims.scp !== undefined && claims.scp.trim() !== "";
  // An ID token has none of these; it says who signed in somewhere, not that anybody calls this app.
  if (!delegated && claims.azp === undefined && claims.idtyp === undefined) {
    throw new Refused("The token is no access token", GET_ANOTHER);
  }
  return callerOf(claims, delegated && claims.idtyp !== "app" ? "person" : "application");
}

const GET_ANOTHER = "Get a new access token for this app from Entra and send that.";
const OWN_TENANT = "Sign in to the tenant of this app.";
const FOREIGN = "The token is of another tenant";

/** What is wrong with a token, without anything of its content. */
function refusalOf({ errors }: Jose, error: errors.JOSEError): Refused {
  if (error instanceof errors.JWTExpired) return new Refused("The token has expired", GET_ANOTHER);
  if (error instanceof errors.JWTClaimValidationFailed) return claimRefusal(error);
  if (error instanceof errors.JOSEAlgNotAllowed)
    return new Refused("The token is not signed as Entra signs (RS256)", GET_ANOTHER);
  if (
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys
  ) {
    return new Refused("The token is not signed by the issuer of this app's tenant", OWN_TENANT);
  }
  return new Refused("What was sent is no token", GET_ANOTHER);
}

function claimRefusal({ claim, reason, payload }: errors.JWTClaimValidationFailed): Refused {
  if (reason === "missing" || reason === "invalid")
    return new Refused(`The token's claim ${claim} is missing or malformed`, GET_ANOTHER);
  if (claim === "nbf") return new Refused("The token does not hold yet", "Check the clock of your machine.");
  if (claim === "aud") {
    return new Refused(
      "The token was made for another application",
      "Ask for one for this app's own audience (its setting REFLEX_AUDIENCE).",
    );
  }
  if (claim === "iss" && String(payload["iss"]).startsWith("https://sts.windows.net/")) {
    return new Refused(
      "The token has version 1",
      "Set requestedAccessTokenVersion to 2 in the manifest of the app registration and get a new token.",
    );
  }
  return new Refused(FOREIGN, OWN_TENANT);
}
