import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { manifest } from "./cluster-objects.ts";

/** Words that CEL keeps for itself: the API server takes no variable of that name. */
const RESERVED =
  /^(as|break|const|continue|else|false|for|function|if|import|in|let|loop|null|package|namespace|return|true|var|void|while)$/;
const files = readdirSync(new URL("../../infra/kubernetes/", import.meta.url)).filter((file) =>
  file.endsWith(".yaml"),
);
const policySchema = z.object({
  kind: z.literal("ValidatingAdmissionPolicy"),
  metadata: z.object({ name: z.string() }),
  spec: z.object({ variables: z.array(z.object({ name: z.string() })) }),
});

describe("the admission policies of the manifests", () => {
  const policies = files.flatMap(manifest).flatMap((one) => policySchema.safeParse(one).data ?? []);

  it.each(policies.map(({ metadata, spec }) => ({ name: metadata.name, variables: spec.variables })))(
    "name variables as the API server takes them: $name",
    ({ variables }) => {
      const names = variables.map(({ name }) => name);
      expect(names.filter((name) => RESERVED.test(name) || !/^[_a-zA-Z]\w*$/.test(name))).toEqual([]);
      expect(new Set(names).size).toBe(names.length);
    },
  );

  it("are more than one", () => {
    expect(policies.length).toBeGreaterThan(2);
  });
});
