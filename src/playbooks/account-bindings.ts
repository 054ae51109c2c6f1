import { z } from "zod";
import type { RawObject } from "../model/evidence-source.ts";

const bindingSchema = z.object({
  subjects: z
    .array(z.object({ kind: z.string(), name: z.string(), namespace: z.string().nullish() }))
    .nullish(),
});

/**
 * The bindings that give something to a service account: that name it, as an account or by its user name, or a group that
 * it is always in.
 */
export function accountBindings(
  bindings: readonly RawObject[],
  namespace: string,
  account: string,
): readonly RawObject[] {
  const user = `system:serviceaccount:${namespace}:${account}`;
  const groups = ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"];
  return bindings.filter((binding) => {
    const { subjects } = bindingSchema.parse(binding);
    return (subjects ?? []).some((subject) => {
      switch (subject.kind) {
        case "ServiceAccount":
          return subject.name === account && subject.namespace === namespace;
        case "User":
          return subject.name === user;
        case "Group":
          return groups.includes(subject.name);
        default:
          return false;
      }
    });
  });
}
