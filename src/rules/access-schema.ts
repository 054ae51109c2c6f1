import { z } from "zod";
import { ROLES } from "../model/caller.ts";
import { type KnownNames, oneOrMany, textOf } from "./schema-words.ts";
import { scopeSchema } from "./scope-schema.ts";

const objectId = textOf(
  /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i,
  "write the object id of a person, group or application in Entra: 32 hexadecimal digits in five groups",
).transform((id) => id.toLowerCase());

/** The schema of one entry of `access`: whom it limits (nobody named: all who bear the role), and to what. */
export function accessSchema(known: KnownNames) {
  return z.strictObject({
    role: z.enum(ROLES),
    to: oneOrMany(objectId).default([]),
    scope: scopeSchema(known).superRefine((scope, context) => {
      if (scope.allow.length + scope.deny.length === 0) {
        const message =
          "limits nothing; add an entry under allow or deny, or remove the whole entry of access";
        context.addIssue({ code: "custom", message });
      }
    }),
  });
}
