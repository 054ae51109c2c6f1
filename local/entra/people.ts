import { ROLES } from "../../src/model/caller.ts";

/** The stand-in's tenant, and the registration of the app in it. */
export const LOCAL_TENANT = "7e0a4c12-5d3b-4f86-9a1e-2b6c8d0f1357";
/** See `LOCAL_TENANT`. */
export const LOCAL_AUDIENCE = "c1f5b3d7-0e92-4a68-8b47-6d2e9f10a3c5";

/** Somebody, or something, that the stand-in can sign in. */
export interface Principal {
  readonly name: string;
  readonly oid: string;
  readonly kind: "person" | "application";
  readonly roles: readonly string[];
  readonly groups: readonly string[];
}

/** Who lives in the local tenant, by the name under which a token is asked for: two people, since one may not approve his own. */
export const LOCAL_PRINCIPALS: Readonly<Record<string, Principal>> = {
  ada: {
    name: "Ada (local)",
    oid: "a0a0a0a0-1111-4111-8111-000000000001",
    kind: "person",
    roles: ROLES,
    groups: [],
  },
  grace: {
    name: "Grace (local)",
    oid: "a0a0a0a0-1111-4111-8111-000000000002",
    kind: "person",
    roles: ROLES,
    groups: [],
  },
  pipeline: {
    name: "Pipeline (local)",
    oid: "a0a0a0a0-1111-4111-8111-000000000003",
    kind: "application",
    roles: ["Reflex.Read", "Reflex.Run"],
    groups: [],
  },
};
