import { z } from "zod";
import type { PolicyRule } from "../kubernetes/index.ts";
import type { Manifest } from "./yaml-files.ts";

const ruleSchema = z.object({
  apiGroups: z.array(z.string()),
  resources: z.array(z.string()),
  verbs: z.array(z.string()),
  resourceNames: z.array(z.string()).optional(),
});
const roleSchema = z.object({
  metadata: z.object({ namespace: z.string().optional() }),
  rules: z.array(ruleSchema),
});

/** What the manifests' ClusterRole and Role allow, as the stand-in's rules: it gives what a real cluster would give. */
export function accessRules(manifests: readonly Manifest[]): PolicyRule[] {
  const roles = manifests.filter(({ kind }) => kind === "ClusterRole" || kind === "Role");
  return roles.flatMap((manifest) => {
    const { metadata, rules } = roleSchema.parse(manifest);
    const within = metadata.namespace === undefined ? {} : { namespaces: [metadata.namespace] };
    return rules.map((rule) => ({ ...rule, ...within }));
  });
}
