import { z } from "zod";
import { type Caller, ROLES } from "../../model/caller.ts";

const MOST_NAME = 200;
const names = z.array(z.string()).default([]);

/** What is read of a token that has been verified, or of the platform's header. */
export const claimsSchema = z.object({
  tid: z.guid(),
  oid: z.guid(),
  roles: names,
  groups: names,
  idtyp: z.string().optional(),
  scp: z.string().optional(),
  azp: z.string().optional(),
  name: z.string().optional(),
  preferred_username: z.string().optional(),
  upn: z.string().optional(),
  app_displayname: z.string().optional(),
});

/** See `claimsSchema`. */
export type Claims = z.infer<typeof claimsSchema>;

/** The caller that the claims name. Roles that the product does not know count for nothing. */
export function callerOf(claims: Claims, kind: Caller["kind"]): Caller {
  const { tid, oid, roles, groups } = claims;
  return {
    id: `${tid}/${oid}`.toLowerCase(),
    name: nameOf(claims, kind).slice(0, MOST_NAME),
    kind,
    groups: groups.map((group) => group.toLowerCase()),
    roles: ROLES.filter((role) => roles.includes(role)),
  };
}

function nameOf(claims: Claims, kind: Caller["kind"]): string {
  const { oid, azp, app_displayname, name, preferred_username, upn } = claims;
  const given = kind === "person" ? [name, preferred_username, upn] : [app_displayname];
  const found = given.find((one) => one !== undefined && one.trim() !== "");
  return found ?? (kind === "person" ? oid : `application ${azp ?? oid}`);
}
