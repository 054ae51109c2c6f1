import { z } from "zod";
import type { Caller } from "../../model/caller.ts";
import { type Claims, callerOf, claimsSchema } from "./claims.ts";
import type { EntraSettings } from "./entra-settings.ts";

/** The header in which the platform (App Service authentication, "Easy Auth") says who has signed in. */
export const PRINCIPAL_HEADER = "x-ms-client-principal";

const MOST = 32 * 1024;
const principalSchema = z.object({
  auth_typ: z.literal("aad"),
  claims: z.array(z.object({ typ: z.string(), val: z.string() })).max(1_000),
});

/** The long names under which the platform may pass a claim on. */
const LONG: Readonly<Record<string, string>> = {
  oid: "http://schemas.microsoft.com/identity/claims/objectidentifier",
  tid: "http://schemas.microsoft.com/identity/claims/tenantid",
  scp: "http://schemas.microsoft.com/identity/claims/scope",
  upn: "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
  roles: "http://schemas.microsoft.com/ws/2008/06/identity/claims/role",
};

/**
 * Whom the platform has signed in; null where the header does not say so for this tenant and this app. Only to be asked
 * where the platform is known to write the header itself: anybody can send one.
 */
export function platformPrincipal(header: string, settings: EntraSettings): Caller | null {
  const parsed = principalSchema.safeParse(documentOf(header));
  if (!parsed.success) return null;
  const all = (name: string): readonly string[] =>
    parsed.data.claims.flatMap(({ typ, val }) => (typ === name || typ === LONG[name] ? [val] : []));
  const one = (name: string): string | undefined => (all(name).length === 1 ? all(name)[0] : undefined);
  const audience = one("aud")?.toLowerCase();
  const forUs =
    one("iss") === settings.issuer &&
    one("tid")?.toLowerCase() === settings.tenant &&
    settings.audiences.some((own) => own.toLowerCase() === audience);
  if (!forUs) return null;
  const claims = claimsSchema.safeParse({
    tid: one("tid"),
    oid: one("oid"),
    roles: all("roles"),
    groups: all("groups"),
    idtyp: one("idtyp"),
    scp: one("scp"),
    azp: one("azp"),
    name: one("name"),
    preferred_username: one("preferred_username"),
    upn: one("upn"),
  });
  return claims.success ? callerOf(claims.data, kindOf(claims.data)) : null;
}

/** Only people have a name to sign in with. */
function kindOf({ idtyp, preferred_username, upn }: Claims): Caller["kind"] {
  const named = preferred_username !== undefined || upn !== undefined;
  return named && idtyp !== "app" ? "person" : "application";
}

function documentOf(header: string): unknown {
  if (header.length > MOST) return null;
  try {
    return JSON.parse(Buffer.from(header, "base64").toString("utf8"));
  } catch {
    return null;
  }
}
