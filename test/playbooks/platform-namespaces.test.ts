import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isProtectedNamespace, PROTECTED_NAMESPACES } from "../../src/engine/protected-namespaces.ts";
import { isPlatformNamespace } from "../../src/playbooks/platform-namespaces.ts";
import { CLUSTER } from "./cluster-objects.ts";

describe("the namespaces of the platform, for playbooks that act upon a whole cluster", () => {
  it("are those that the guard protects, whatever the name", () => {
    const known = PROTECTED_NAMESPACES.map((pattern) => pattern.replace("*", ""));
    const piece = fc.oneof(fc.constantFrom(...known, "-", "x"), fc.stringMatching(/^[a-z0-9]{1,5}$/));
    const name = fc
      .array(piece, { minLength: 1, maxLength: 3 })
      .map((pieces) => pieces.join(""))
      // What is no name never comes from an API server.
      .filter((text) => /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text));
    fc.assert(
      fc.property(name, (namespace) => {
        expect([namespace, isPlatformNamespace(namespace)]).toEqual([
          namespace,
          isProtectedNamespace(namespace, CLUSTER, []),
        ]);
      }),
      { numRuns: 600 },
    );
  });
});
