import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { isProtectedNamespace, PROTECTED_NAMESPACES } from "../../src/engine/protected-namespaces.ts";
import { CLUSTER } from "./cluster-objects.ts";
import { binding, pin, pinVerdict } from "./pin-verdict.ts";

const BARE = { metadata: {}, spec: {} };
const WORKLOAD = { group: "apps", resource: "deployments", object: BARE, oldObject: BARE };

describe("the namespaces of the pin", () => {
  const variables = z
    .object({
      spec: z.object({ variables: z.array(z.object({ name: z.string(), expression: z.string() })) }),
    })
    .parse(pin).spec.variables;
  const listed = (variable: string): string[] =>
    [...(variables.find(({ name }) => name === variable)?.expression ?? "").matchAll(/'([^']+)'/g)].map(
      ([, word = ""]) => word,
    );
  const isDenied = (namespace: string): boolean => pinVerdict({ ...WORKLOAD, namespace })?.length !== 0;

  it("are those that no configuration can open", () => {
    const patterns = [
      ...listed("protectedNames"),
      ...listed("protectedPrefixes").map((prefix) => `${prefix}*`),
    ];
    expect(patterns.toSorted()).toEqual([...PROTECTED_NAMESPACES].toSorted());
  });

  it.each(["kube-systemx", "kube-x", "openshift-x", "cilium-secrets", "aks-istio-ingress"])(
    "hold what begins like a protected family: %s",
    (namespace) => {
      expect(isDenied(namespace)).toBe(true);
    },
  );

  it.each([
    "myopenshift",
    "openshiftx",
    "my-kube-system",
    "kubesystem",
    "azure-arc-2",
    "mdc2",
    "default",
    "shop",
  ])("leave look-alikes to their users: %s", (namespace) => {
    expect(isDenied(namespace)).toBe(false);
  });

  it("are the same for random names as in the guard", () => {
    const known = PROTECTED_NAMESPACES.map((pattern) => pattern.replace("*", ""));
    const piece = fc.oneof(fc.constantFrom(...known, "-", "x", "0"), fc.stringMatching(/^[a-z0-9-]{0,5}$/));
    const name = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.array(piece, { minLength: 1, maxLength: 3 }).map((pieces) => pieces.join("")),
      },
      { weight: 2, arbitrary: fc.stringMatching(/^[a-z0-9-]{55,66}$/) },
      { weight: 1, arbitrary: fc.string({ unit: "binary" }) },
    );
    fc.assert(
      fc.property(name, (namespace) => {
        expect([namespace, isDenied(namespace)]).toEqual([
          namespace,
          isProtectedNamespace(namespace, CLUSTER, []),
        ]);
      }),
      { numRuns: 600 },
    );
  });
});

describe("the manifest of the pin", () => {
  it("fails closed, asks for its user first, and covers every write of every kind", () => {
    expect(pin).toMatchObject({
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingAdmissionPolicy",
      spec: {
        failurePolicy: "Fail",
        matchConstraints: {
          resourceRules: [
            {
              apiGroups: ["*"],
              apiVersions: ["*"],
              operations: ["CREATE", "UPDATE", "DELETE", "CONNECT"],
              resources: ["*/*"],
            },
          ],
        },
        matchConditions: [{ expression: expect.stringMatching(/^has\(request\.userInfo\.username\) && /) }],
      },
    });
  });

  it("is bound to every namespace, and denies", () => {
    expect(binding).toMatchObject({
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingAdmissionPolicyBinding",
    });
    expect(binding?.["spec"]).toEqual({ policyName: "reflex-pin-identity", validationActions: ["Deny"] });
    expect(pin).toHaveProperty("metadata.name", "reflex-pin-identity");
  });
});
