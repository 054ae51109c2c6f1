import { describe, expect, it } from "vitest";
import { z } from "zod";
import { BLOCK_LIST, BLOCK_POLICY, OWN_NAMESPACE } from "../../src/model/incident-mark.ts";
import type { KubernetesPermission } from "../../src/model/playbook.ts";
import { basePermissions, enginePermissions } from "../../src/playbooks/base-permissions.ts";
import { playbooks } from "../../src/playbooks/index.ts";
import { manifest } from "./cluster-objects.ts";

const ruleSchema = z.strictObject({
  apiGroups: z.array(z.string()),
  resources: z.array(z.string()),
  resourceNames: z.array(z.string()).optional(),
  verbs: z.array(z.string()),
});
const roleSchema = z.object({
  metadata: z.object({ namespace: z.string().optional() }),
  rules: z.array(ruleSchema),
});
const policySchema = z.object({
  metadata: z.object({ name: z.literal(BLOCK_POLICY) }),
  spec: z.object({
    failurePolicy: z.string(),
    paramKind: z.unknown(),
    matchConstraints: z.object({
      resourceRules: z.array(
        z.object({
          apiGroups: z.array(z.string()),
          operations: z.array(z.string()),
          resources: z.array(z.string()),
        }),
      ),
    }),
    variables: z.array(z.strictObject({ name: z.string(), expression: z.string() })),
    validations: z.array(
      z.strictObject({
        expression: z.string(),
        message: z.string(),
        messageExpression: z.string().optional(),
      }),
    ),
  }),
});
const bindingSchema = z.object({
  metadata: z.object({ name: z.literal(BLOCK_POLICY) }),
  spec: z.object({
    policyName: z.literal(BLOCK_POLICY),
    validationActions: z.array(z.string()),
    paramRef: z.unknown(),
    matchResources: z.object({
      namespaceSelector: z.object({
        matchExpressions: z.array(
          z.object({ key: z.string(), operator: z.string(), values: z.array(z.string()) }),
        ),
      }),
    }),
  }),
});

const [policyText, bindingText] = manifest("3-block-images.yaml");
const policy = policySchema.parse(policyText);
const binding = bindingSchema.parse(bindingText);

/** One line for each verb on each resource, with the names and the namespace that it is limited to. */
function linesOf(permissions: readonly KubernetesPermission[]): string[] {
  const lines = permissions.flatMap(({ apiGroup, resource, verbs, resourceNames, namespace }) =>
    verbs.map((verb) =>
      [verb, apiGroup, resource, resourceNames?.join(",") ?? "*", namespace ?? "*"].join(" "),
    ),
  );
  return [...new Set(lines)].sort();
}

function permissionsOf(roles: readonly z.infer<typeof roleSchema>[]): KubernetesPermission[] {
  return roles.flatMap(({ metadata: { namespace }, rules }) =>
    rules.flatMap(({ apiGroups, resources, verbs, resourceNames }) =>
      apiGroups.flatMap((apiGroup) =>
        resources.map((resource) => ({
          apiGroup,
          resource,
          verbs,
          ...(resourceNames === undefined ? {} : { resourceNames }),
          ...(namespace === undefined ? {} : { namespace }),
        })),
      ),
    ),
  );
}

describe("the roles of the manifests", () => {
  const roles = manifest("4-access.yaml").flatMap((document) => roleSchema.safeParse(document).data ?? []);

  it("grant exactly what the playbooks and the engine's reads need", () => {
    const needed = [
      ...enginePermissions(playbooks),
      ...playbooks.flatMap(({ permissions }) => permissions.kubernetes),
    ];
    expect(roles).toHaveLength(2);
    expect(linesOf(permissionsOf(roles))).toEqual(linesOf(needed));
  });

  it("hold no wildcard, no secrets, and nothing that deletes more than one object", () => {
    const lines = linesOf(permissionsOf(roles));
    expect(
      lines.filter((line) => /^\*|deletecollection|secrets| \* .* | (pods|nodes)\/(exec|proxy)/.test(line)),
    ).toEqual([]);
    expect(lines.filter((line) => line.startsWith("delete "))).toEqual([
      "delete  pods * *",
      "delete  serviceaccounts * *",
      "delete cilium.io ciliumnetworkpolicies * *",
      "delete networking.k8s.io networkpolicies * *",
      "delete policy.networking.k8s.io adminnetworkpolicies * *",
      "delete projectcalico.org networkpolicies * *",
      "delete projectcalico.org tier.networkpolicies * *",
      "delete rbac.authorization.k8s.io clusterrolebindings * *",
      "delete rbac.authorization.k8s.io rolebindings * *",
    ]);
    expect(
      basePermissions.flatMap(({ verbs }) => verbs).every((verb) => verb === "get" || verb === "list"),
    ).toBe(true);
    const added = linesOf(enginePermissions(playbooks)).filter(
      (line) => !linesOf(basePermissions).includes(line),
    );
    expect(added.filter((line) => !line.startsWith("list "))).toEqual(["create  events * *"]);
  });
});

describe("the admission policy of the manifests", () => {
  it("covers every kind that brings images in, on creation and on update", () => {
    const rules = policy.spec.matchConstraints.resourceRules;
    expect(rules.every(({ operations }) => operations.join() === "CREATE,UPDATE")).toBe(true);
    expect(
      rules.flatMap(({ apiGroups, resources }) =>
        resources.map((resource) => `${apiGroups.join()}/${resource}`),
      ),
    ).toEqual([
      "/pods",
      "/pods/ephemeralcontainers",
      "/replicationcontrollers",
      "/podtemplates",
      "apps/deployments",
      "apps/statefulsets",
      "apps/daemonsets",
      "apps/replicasets",
      "batch/jobs",
      "batch/cronjobs",
    ]);
  });

  it("looks at every place of an image in the new and in the old object", () => {
    const expressionOf = (name: string) =>
      policy.spec.variables.find((variable) => variable.name === name)?.expression ?? "";
    for (const place of ["containers", "initContainers", "ephemeralContainers", "volumes"]) {
      expect(expressionOf("images")).toContain(`has(variables.spec.${place})`);
    }
    expect(expressionOf("oldImages")).toBe(
      expressionOf("images")
        .replaceAll("variables.spec", "variables.oldSpec")
        .replace("variables.isLarge", "variables.wasLarge"),
    );
    expect(expressionOf("added")).toContain("!(i in variables.oldImages)");
    for (const place of ["containers", "initContainers", "ephemeralContainers", "volumes"]) {
      expect(expressionOf("isLarge")).toContain(`variables.spec.${place}.size()`);
    }
  });

  it("uses each variable after it is declared, within the limits of an expression", () => {
    const known = new Set<string>();
    for (const { name, expression } of policy.spec.variables) {
      const used = [...expression.matchAll(/variables\.(\w+)/g)].map(([, variable]) => variable);
      expect(used.filter((variable) => !known.has(variable ?? ""))).toEqual([]);
      expect(expression.length).toBeLessThan(2_000);
      expect(isBalanced(expression)).toBe(true);
      known.add(name);
    }
    expect([...known]).toContain("bad");
  });

  it("denies by name what could make an expression fail, and stays out of the way where the list is gone", () => {
    expect(policy.spec.failurePolicy).toBe("Ignore");
    expect(policy.spec.paramKind).toEqual({ apiVersion: "defender-reflex.dev/v1", kind: "AdmissionList" });
    expect(policy.spec.validations.map(({ expression }) => expression)).toEqual([
      "variables.bad.size() == 0",
      "!variables.isLarge",
      "variables.added.size() == variables.fresh.size()",
    ]);
    expect(policy.spec.validations.every(({ message }) => message.startsWith("reflex-blocked-image: "))).toBe(
      true,
    );
    expect(binding.spec.validationActions).toEqual(["Deny"]);
    expect(binding.spec.paramRef).toEqual({
      name: BLOCK_LIST,
      namespace: OWN_NAMESPACE,
      parameterNotFoundAction: "Allow",
    });
  });

  it("leaves the namespaces out that keep the cluster alive, but not our own", () => {
    const [selector] = binding.spec.matchResources.namespaceSelector.matchExpressions;
    expect(selector).toMatchObject({ key: "kubernetes.io/metadata.name", operator: "NotIn" });
    expect(selector?.values).toEqual(
      expect.arrayContaining(["kube-system", "gatekeeper-system", "azure-arc"]),
    );
    expect(selector?.values).not.toContain(OWN_NAMESPACE);
  });

  it("comes with the list that it names, in a manifest that keeps what the list holds", () => {
    const [list] = manifest("2-blocked-images.yaml");
    expect(list).toMatchObject({
      apiVersion: "defender-reflex.dev/v1",
      kind: "AdmissionList",
      metadata: { name: BLOCK_LIST, namespace: OWN_NAMESPACE },
    });
    expect(list).not.toHaveProperty("spec");
    expect(manifest("1-namespace.yaml")).toMatchObject([
      { kind: "Namespace", metadata: { name: OWN_NAMESPACE } },
    ]);
  });
});

function isBalanced(expression: string): boolean {
  const pairs: Record<string, string> = { ")": "(", "]": "[", "}": "{" };
  const open: string[] = [];
  for (const character of expression.replaceAll(/'[^']*'/g, "")) {
    if ("([{".includes(character)) open.push(character);
    if (character in pairs && open.pop() !== pairs[character]) return false;
  }
  return open.length === 0;
}
