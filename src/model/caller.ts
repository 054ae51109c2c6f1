import type { Scope } from "./rule.ts";

/** The app roles of the product (threat model, access by role): each is asked for by name, none includes another. */
export const ROLES = ["Reflex.Read", "Reflex.Run", "Reflex.Approve", "Reflex.Admin"] as const;

/** One of the roles. */
export type Role = (typeof ROLES)[number];

/** A role that the file limits to a scope, and whom it limits: object ids of people, groups or applications. */
export interface AccessEntry {
  readonly role: Role;
  /** Object ids; empty: everybody who bears the role. */
  readonly to: readonly string[];
  readonly scope: Scope;
}

/** Who calls: verified, never as the request says. */
export interface Caller {
  /** Tenant and object id. */
  readonly id: string;
  /** A name to show. */
  readonly name: string;
  /** Applications may run, never approve. */
  readonly kind: "person" | "application";
  /** Object ids of the groups that the token names. */
  readonly groups: readonly string[];
  readonly roles: readonly Role[];
}
