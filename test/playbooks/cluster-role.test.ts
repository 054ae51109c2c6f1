import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import type { AnyPlaybook, KubernetesPermission } from "../../src/model/playbook.ts";
import { enginePermissions } from "../../src/playbooks/base-permissions.ts";
import { clusterRole } from "../../src/playbooks/cluster-role.ts";
import { playbooks } from "../../src/playbooks/index.ts";
import { kubernetesRights } from "../../src/playbooks/kubernetes-rights.ts";
import { notify } from "../../src/playbooks/notify.ts";
import { manifest } from "./cluster-objects.ts";

const documentSchema = z.object({
  kind: z.string(),
  metadata: z.object({ namespace: z.string().optional() }),
  rules: z
    .array(
      z.strictObject({
        apiGroups: z.array(z.string()),
        resources: z.array(z.string()),
        resourceNames: z.array(z.string()).optional(),
        verbs: z.array(z.string()),
      }),
    )
    .optional(),
});

/** The right of one verb, on one object where it is limited to some, so that each can be looked for. */
function rightsIn(permissions: readonly KubernetesPermission[]): Set<string> {
  return new Set(
    permissions.flatMap(({ apiGroup, resource, verbs, resourceNames, namespace }) =>
      verbs.flatMap((verb) =>
        (resourceNames ?? ["(all)"]).map((name) =>
          [verb, apiGroup, resource, name, namespace ?? "(cluster)"].join(" "),
        ),
      ),
    ),
  );
}

function documentsOf(text: string): Record<string, unknown>[] {
  return parseAllDocuments(text).map((document) => {
    expect(document.errors).toEqual([]);
    return z.record(z.string(), z.unknown()).parse(document.toJS());
  });
}

function grantedBy(documents: readonly unknown[]): Set<string> {
  const permissions = documents.flatMap((document) => {
    const { metadata, rules = [] } = documentSchema.parse(document);
    const within = metadata.namespace === undefined ? {} : { namespace: metadata.namespace };
    return rules.flatMap(({ apiGroups, resources, verbs, resourceNames }) =>
      apiGroups.flatMap((apiGroup) =>
        resources.map((resource) => ({
          apiGroup,
          resource,
          verbs,
          ...(resourceNames === undefined ? {} : { resourceNames }),
          ...within,
        })),
      ),
    );
  });
  return rightsIn(permissions);
}

const roleOf = (chosen: readonly AnyPlaybook[]) => documentsOf(clusterRole(kubernetesRights(chosen)));
const declared = (chosen: readonly AnyPlaybook[]) =>
  rightsIn([...enginePermissions(chosen), ...chosen.flatMap(({ permissions }) => permissions.kubernetes)]);
const sorted = (rights: ReadonlySet<string>) => [...rights].toSorted();

function playbookWith(name: string, kubernetes: readonly KubernetesPermission[]): AnyPlaybook {
  return { ...notify, name, permissions: { kubernetes, arm: [] } };
}

const word = (...words: string[]) => fc.constantFrom(...words);
const permission: fc.Arbitrary<KubernetesPermission> = fc
  .record(
    {
      apiGroup: word("", "apps", "batch"),
      resource: word("pods", "jobs", "deployments/scale"),
      verbs: fc.uniqueArray(word("get", "list", "watch", "create", "patch", "delete"), { minLength: 1 }),
      resourceNames: fc.uniqueArray(word("a", "b", "c"), { minLength: 1 }),
      namespace: word("defender-reflex", "shop"),
    },
    { requiredKeys: ["apiGroup", "resource", "verbs"] },
  )
  .map((made): KubernetesPermission => made);

describe("the role of some playbooks", () => {
  it("grants each right that one of them declares, the engine's reads, and no other", () => {
    fc.assert(
      fc.property(fc.subarray([...playbooks]), (chosen) => {
        expect(sorted(grantedBy(roleOf(chosen)))).toEqual(sorted(declared(chosen)));
      }),
    );
  });

  it("does so for whatever playbooks may declare", () => {
    const made = fc.array(fc.array(permission, { maxLength: 6 }), { maxLength: 4 });
    fc.assert(
      fc.property(made, (lists) => {
        const chosen = lists.map((kubernetes, index) => playbookWith(`made-${index}`, kubernetes));
        expect(sorted(grantedBy(roleOf(chosen)))).toEqual(sorted(declared(chosen)));
      }),
      { numRuns: 200 },
    );
  });

  it("has one rule for each resource of a place, and the same text whatever order they declare in", () => {
    const place = ({ namespace, apiGroup, resource, resourceNames }: KubernetesPermission) =>
      JSON.stringify([namespace, apiGroup, resource, resourceNames?.toSorted()]);
    fc.assert(
      fc.property(fc.array(permission, { maxLength: 8 }), (permissions) => {
        const made = playbookWith("made", permissions);
        const text = clusterRole(kubernetesRights([made]));
        const turned = permissions.toReversed();
        expect(clusterRole(kubernetesRights([playbookWith("made", turned)]))).toBe(text);
        const rules = documentsOf(text).flatMap((document) => documentSchema.parse(document).rules ?? []);
        expect(rules).toHaveLength(new Set([...enginePermissions([made]), ...permissions].map(place)).size);
      }),
    );
  });

  it("says of each verb who wants it", () => {
    const chosen = [
      playbookWith("one", [{ apiGroup: "", resource: "pods", verbs: ["get", "patch"] }]),
      playbookWith("two", [{ apiGroup: "", resource: "pods", verbs: ["patch", "delete"] }]),
    ];
    const lines = clusterRole(kubernetesRights(chosen)).split("\n");
    const begin = lines.findIndex((line) => /resources: \[ ?pods ?\]/.test(line));
    expect(lines.slice(begin + 1, begin + 6).map((line) => line.trim())).toEqual([
      "verbs:",
      "- get # the engine, one",
      "- list # the engine",
      "- patch # one, two",
      "- delete # two",
    ]);
  });

  it("is, with all playbooks, bound to the account of infra/kubernetes/4-access.yaml in the same way", () => {
    const withoutRules = (documents: readonly Record<string, unknown>[]) =>
      documents.map(({ rules: _rules, ...rest }) => rest);
    expect(withoutRules(roleOf(playbooks))).toEqual(withoutRules(manifest("4-access.yaml")));
  });

  it.each<[string, Partial<KubernetesPermission>]>([
    ["a wildcard for the verb", { verbs: ["*"] }],
    ["a wildcard for the resource", { resource: "*" }],
    ["every subresource", { resource: "pods/*" }],
    ["a wildcard for the group", { apiGroup: "*" }],
    ["deletecollection", { verbs: ["get", "deletecollection"] }],
    ["update, where patch is enough", { verbs: ["update"] }],
    ["impersonate", { verbs: ["impersonate"] }],
    ["bind", { verbs: ["bind"] }],
    ["escalate", { verbs: ["escalate"] }],
    ["secrets", { resource: "secrets" }],
    ["secrets", { resource: "secrets/status" }],
    ["tokens", { resource: "serviceaccounts/token", verbs: ["create"] }],
    ["pods/exec", { resource: "pods/exec", verbs: ["create"] }],
    ["no name at all, which means every name", { resourceNames: [] }],
    ["an empty namespace", { namespace: "" }],
  ])("is refused where a playbook declares %s", (_what, part) => {
    const made = playbookWith("greedy", [{ apiGroup: "", resource: "pods", verbs: ["get"], ...part }]);
    expect(() => kubernetesRights([...playbooks, made])).toThrow(/rights that greedy declares are too wide/);
  });
});
