import type { Caller } from "../../model/caller.ts";
import type { Clock } from "../../model/clock.ts";
import { Refused } from "../../model/errors.ts";
import type { EntraSettings } from "./entra-settings.ts";
import { PRINCIPAL_HEADER, platformPrincipal } from "./platform-principal.ts";
import { tokenVerifier } from "./verify-token.ts";

/** The headers of a request, of which two are read. */
export interface RequestHeaders {
  get(name: string): string | null;
}

/**
 * Who sends a request; null where it names nobody. Raises `Refused` for a token that does not hold, `Retryable` where
 * that cannot be told now.
 */
export type Identify = (headers: RequestHeaders) => Promise<Caller | null>;

const MOST = 32 * 1024;
const BEARER = /^Bearer +([\w.~+/=-]+)$/i;

/** Tells callers apart by Entra's bearer token; without one, and only where that is switched on, by the platform's header. */
export function openIdentify(settings: EntraSettings, clock: Clock): Identify {
  const verify = tokenVerifier(settings);
  return async (headers) => {
    const authorization = headers.get("authorization");
    if (authorization !== null) {
      const token = authorization.length > MOST ? undefined : BEARER.exec(authorization.trim())?.[1];
      if (token !== undefined) return verify(token, clock.now());
      throw new Refused(
        "The header Authorization holds no bearer token",
        "Send `Authorization: Bearer` and an access token of Entra.",
      );
    }
    const principal = settings.easyAuth ? headers.get(PRINCIPAL_HEADER) : null;
    return principal === null ? null : platformPrincipal(principal, settings);
  };
}
