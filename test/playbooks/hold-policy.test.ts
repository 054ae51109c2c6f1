import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { createObject } from "../../local/kubernetes/create-object.ts";
import { ObjectStore } from "../../local/kubernetes/object-store.ts";
import { resourceNamed } from "../../local/kubernetes/resource-table.ts";
import { seedObjects } from "../../local/kubernetes/seeded-objects.ts";
import { StatusError } from "../../local/kubernetes/status-error.ts";
import { HOLD_LIST, HOLD_POLICY, OWN_NAMESPACE } from "../../src/model/incident-mark.ts";
import { WORKLOAD_KINDS } from "../../src/model/kubernetes-objects.ts";
import { heldKey } from "../../src/playbooks/held-entries.ts";
import { judgeOf } from "./admission-policy.ts";
import { evaluators } from "./cel-evaluators.ts";
import { manifest } from "./cluster-objects.ts";
import { apiVersionOf, holdListObjects } from "./workload-objects.ts";

const [list, policy, binding] = manifest("6-hold-workloads.yaml");
const judges = evaluators.map((evaluator) => ({ name: evaluator.name, judge: judgeOf(policy, evaluator) }));

interface Owner {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
}

/** What all evaluators say of a new object; they must agree. */
function denial(
  namespace: string,
  metadata: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly Owner[];
  },
  entries: readonly string[] | null,
): readonly string[] | null {
  const spec = { entries: Object.fromEntries((entries ?? []).map((key) => [key, "{}"])) };
  const said = judges.map(({ judge }) =>
    judge({
      request: { operation: "CREATE", namespace },
      object: JSON.parse(JSON.stringify({ metadata })),
      oldObject: null,
      params: entries === null ? null : entries.length === 0 ? {} : { spec },
    }),
  );
  for (const other of said) expect(other).toEqual(said[0]);
  return said[0] ?? null;
}

const owner = (kind: string, apiVersion: string, name: string, controller = true): Owner => ({
  apiVersion,
  kind,
  name,
  uid: "u",
  controller,
});
const set = (name: string) => [owner("ReplicaSet", "apps/v1", name)];
const KEY = "shop_Deployment.apps_web";

describe("the policy that holds workloads", () => {
  it("denies what the listed workload controls, of every kind, and says which", () => {
    for (const kind of WORKLOAD_KINDS) {
      const key = heldKey("shop", kind, "web");
      const ownerReferences = [owner(kind, apiVersionOf(kind), "web")];
      expect(denial("shop", { ownerReferences }, [key])).toEqual([`reflex-held-workload: ${key}`]);
      expect(denial("other", { ownerReferences }, [key])).toEqual([]);
      expect(denial("shop", { ownerReferences: [owner(kind, "a.example/v1", "web")] }, [key])).toEqual([]);
      expect(
        denial("shop", { ownerReferences: [owner(kind, apiVersionOf(kind), "web", false)] }, [key]),
      ).toEqual([]);
    }
  });

  it("knows a Deployment and a Rollout from a pod of any ReplicaSet of theirs", () => {
    const pod = (hash: string, label = "pod-template-hash") => ({ labels: { [label]: hash } });
    expect(denial("shop", { ...pod("5d9"), ownerReferences: set("web-5d9") }, [KEY])).toEqual([
      `reflex-held-workload: ${KEY}`,
    ]);
    const rollout = "shop_Rollout.argoproj.io_web";
    expect(
      denial("shop", { ...pod("5d9", "rollouts-pod-template-hash"), ownerReferences: set("web-5d9") }, [
        rollout,
      ]),
    ).toEqual([`reflex-held-workload: ${rollout}`]);
    for (const name of ["web", "web-api-5d9", "web-5d8", "other-5d9", "xweb-5d9", "5d9"]) {
      expect(denial("shop", { ...pod("5d9"), ownerReferences: set(name) }, [KEY])).toEqual([]);
    }
    expect(
      denial("shop", { ...pod("api-5d9"), ownerReferences: set("web-api-5d9") }, [
        "shop_Deployment.apps_web-api",
      ]),
    ).toEqual([]);
    expect(denial("shop", { ownerReferences: set("web-5d9") }, [KEY])).toEqual([]);
  });

  it("lets everything pass where the list is empty or gone, and what has no owner always", () => {
    for (const entries of [null, [], [KEY]]) {
      expect(denial("shop", {}, entries)).toEqual([]);
      expect(denial("shop", { labels: { "pod-template-hash": "" }, ownerReferences: [] }, entries)).toEqual(
        [],
      );
    }
    expect(denial("shop", { ownerReferences: [owner("Deployment", "apps/v1", "web")] }, null)).toEqual([]);
    expect(denial("shop", { ownerReferences: [owner("Deployment", "apps/v1", "web")] }, [])).toEqual([]);
  });

  it("denies by name what could make an expression fail, where anything is held, and takes no name that is too long for an owner's", () => {
    const many = (count: number) => [
      ...Array.from({ length: count - 1 }, (_, at) => owner("Pod", "v1", `p${at}`, false)),
      owner("Deployment", "apps/v1", "web"),
    ];
    expect(denial("shop", { ownerReferences: many(100) }, [KEY])).toEqual([`reflex-held-workload: ${KEY}`]);
    expect(denial("shop", { ownerReferences: many(101) }, [KEY])).toEqual([
      "reflex-held-workload: more than 100 owners of one object are not looked through",
    ]);
    for (const none of [null, []]) expect(denial("shop", { ownerReferences: many(101) }, none)).toEqual([]);
    const long = `${"w".repeat(254)}`;
    const pod = { labels: { "pod-template-hash": "5d9" }, ownerReferences: set(`${long}-5d9`) };
    expect(denial("shop", pod, [`shop_Deployment.apps_${long}`])).toEqual([]);
  });

  it("covers creations only, and stays out of the way where the list is gone", () => {
    const spec = z.object({
      failurePolicy: z.literal("Ignore"),
      paramKind: z.object({
        apiVersion: z.literal("defender-reflex.dev/v1"),
        kind: z.literal("AdmissionList"),
      }),
      matchConstraints: z.object({
        resourceRules: z.array(
          z.object({ operations: z.tuple([z.literal("CREATE")]), resources: z.array(z.string()) }),
        ),
      }),
    });
    const parsed = z.object({ metadata: z.object({ name: z.literal(HOLD_POLICY) }), spec }).parse(policy);
    expect(parsed.spec.matchConstraints.resourceRules.flatMap(({ resources }) => resources)).toEqual([
      "pods",
      "replicationcontrollers",
      "replicasets",
      "jobs",
    ]);
    expect(binding).toMatchObject({
      metadata: { name: HOLD_POLICY },
      spec: {
        policyName: HOLD_POLICY,
        validationActions: ["Deny"],
        paramRef: { name: HOLD_LIST, namespace: OWN_NAMESPACE, parameterNotFoundAction: "Allow" },
      },
    });
    expect(list).toMatchObject({
      kind: "AdmissionList",
      metadata: { name: HOLD_LIST, namespace: OWN_NAMESPACE },
    });
    expect(list).not.toHaveProperty("spec");
  });

  it("leaves out the namespaces that the policy on images leaves out", () => {
    const [, images] = manifest("3-block-images.yaml");
    const selectorOf = (object: unknown) =>
      z
        .object({ spec: z.object({ matchResources: z.object({ namespaceSelector: z.unknown() }) }) })
        .parse(object).spec.matchResources.namespaceSelector;
    expect(selectorOf(binding)).toEqual(selectorOf(images));
  });
});

describe("the stand-in's meaning of that policy", () => {
  let store: ObjectStore;
  beforeAll(() => {
    store = new ObjectStore();
    seedObjects(
      store,
      JSON.parse(
        JSON.stringify([
          ...holdListObjects(),
          { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } },
        ]),
      ),
    );
  });

  const word = fc.constantFrom("web", "api", "web-api", "5d9", "web-5d9", "web-api-5d9");
  const someOwner = fc.record({
    kind: fc.constantFrom(
      "ReplicaSet",
      "ReplicaSet",
      "ReplicaSet",
      "Deployment",
      "Job",
      "CronJob",
      "Rollout",
      "StatefulSet",
    ),
    apiVersion: fc.constantFrom("apps/v1", "apps/v1", "apps/v1", "batch/v1", "argoproj.io/v1alpha1", "v1"),
    name: word,
    uid: fc.constant("u"),
    controller: fc.constantFrom(true, true, true, false),
  });
  const key = fc
    .tuple(
      fc.constantFrom("shop", "shop", "shop", "other"),
      fc.constantFrom("Deployment.apps", "ReplicaSet.apps", "Job.batch", "Rollout.argoproj.io", "ReplicaSet"),
      word,
    )
    .map((parts) => parts.join("_"));
  const labels = fc.dictionary(
    fc.constantFrom("pod-template-hash", "rollouts-pod-template-hash", "app"),
    word,
    {
      noNullPrototype: true,
    },
  );

  it("is what two evaluators of its expressions say, on any pod and any list", () => {
    let denied = 0;
    fc.assert(
      fc.property(
        fc.option(someOwner, { nil: null }),
        labels,
        fc.uniqueArray(key, { minLength: 4, maxLength: 20 }),
        (one, map, keys) => {
          const metadata = { labels: map, ownerReferences: one === null ? [] : [one] };
          const said = denial("shop", metadata, keys) ?? [];
          const refusal = refused(store, metadata, keys);
          denied += said.length;
          expect(refusal?.includes("reflex-held-workload") ?? false).toBe(said.length > 0);
          if (said[0] !== undefined) expect(refusal).toContain(said[0].split(", ")[0]);
        },
      ),
      { numRuns: 500 },
    );
    expect(denied).toBeGreaterThan(3);
  });
});

function refused(store: ObjectStore, metadata: object, keys: readonly string[]): string | null {
  const held = {
    apiVersion: "defender-reflex.dev/v1",
    kind: "AdmissionList",
    metadata: { name: HOLD_LIST, namespace: OWN_NAMESPACE },
    spec: { entries: Object.fromEntries(keys.map((one) => [one, "{}"])) },
  };
  seedObjects(store, [held]);
  const body = JSON.parse(
    JSON.stringify({
      metadata: { name: "p", ...metadata },
      spec: { containers: [{ name: "c", image: "i" }] },
    }),
  );
  const by = { manager: "m", operation: "Update", subresource: "" } as const;
  try {
    createObject(store, resourceNamed("pods"), "shop", body, { by, dryRun: true });
    return null;
  } catch (error) {
    if (error instanceof StatusError) return error.message;
    throw error;
  }
}
