import { describe, expect, it } from "vitest";
import { z } from "zod";
import { PROTECTED_NAMESPACES } from "../../src/engine/protected-namespaces.ts";
import { OWN_NAMESPACE } from "../../src/model/incident-mark.ts";
import { AS_NAMESPACE, POD_RULES, TRUSTED_PROBE } from "../../src/model/pod-rules.ts";
import { type Admission, judgeOf } from "./admission-policy.ts";
import { type Bindings, evaluators } from "./cel-evaluators.ts";
import { manifest } from "./cluster-objects.ts";

const documents = manifest("7-pod-rules.yaml");
const policy = documents.find(({ kind }) => kind === "ValidatingAdmissionPolicy");
const judges = evaluators.map((evaluator) => judgeOf(policy, evaluator));

type Spec = Readonly<Record<string, unknown>>;

const all = Object.fromEntries(POD_RULES.map((rule) => [`${rule}/*`, "a-1 reg.example/ docker.io/team/"]));
const rules = (entries: Readonly<Record<string, string>>): Bindings => ({ spec: { entries } });
const container = (more: object = {}, securityContext: object = {}): object => ({
  name: "c",
  image: "reg.example/web:1",
  securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, ...securityContext },
  ...more,
});
const good: Spec = { containers: [container()] };

interface Asked {
  readonly old?: Spec | null;
  readonly params?: Bindings | null;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** What the policy says of a pod; null where it is not looked at. Both evaluators must agree. */
function verdict(spec: Spec, { old = null, params = rules(all), namespace = "shop", labels }: Asked = {}) {
  const metadata = labels === undefined ? {} : { labels };
  const objectOf = (of: Spec) => ({ kind: "Pod", metadata, spec: of }) as Bindings;
  const admission: Admission = {
    request: { operation: old === null ? "CREATE" : "UPDATE", namespace },
    object: objectOf(spec),
    oldObject: old === null ? null : objectOf(old),
    params,
  };
  const [first = null, ...others] = judges.map((judge) => judge(admission));
  for (const other of others) expect(other).toEqual(first);
  return first;
}

const BROKEN: readonly [string, Spec, string][] = [
  ["a privileged container", { containers: [container({}, { privileged: true })] }, "privileged c"],
  [
    "one that may gain privileges",
    { containers: [container({}, { allowPrivilegeEscalation: true })] },
    "privilege-escalation c",
  ],
  [
    "a root that can be written",
    { containers: [container({}, { readOnlyRootFilesystem: false })] },
    "writable-root c",
  ],
  ["the processes of the node", { ...good, hostPID: true }, "host-namespaces hostPID"],
  ["the memory of the node", { ...good, hostIPC: true }, "host-namespaces hostIPC"],
  ["the network of the node", { ...good, hostNetwork: true }, "host-namespaces hostNetwork"],
  [
    "a foreign registry",
    { containers: [container({ image: "evil.example/web:1" })] },
    "untrusted-registries c",
  ],
  [
    "a registry whose name begins alike",
    { containers: [container({ image: "reg.example.evil/x" })] },
    "untrusted-registries c",
  ],
  [
    "one named like who made the entry",
    { containers: [container({ image: "a-1.evil.example/x" })] },
    "untrusted-registries c",
  ],
  [
    "another team of the same registry",
    { containers: [container({ image: "other/web" })] },
    "untrusted-registries c",
  ],
  [
    "a name that no registry takes",
    { containers: [container({ image: `reg.example/${"a".repeat(1_100)}` })] },
    "untrusted-registries c",
  ],
  [
    "an init container",
    { ...good, initContainers: [container({ name: "i" }, { privileged: true })] },
    "privileged i",
  ],
  [
    "an ephemeral container",
    { ...good, ephemeralContainers: [container({ name: "e" }, { privileged: true })] },
    "privileged e",
  ],
];

describe("the expressions of the pod rules, on two evaluators", () => {
  it.each(BROKEN)("notice %s, but not where it was so before, nor without a rule", (_what, spec, words) => {
    expect(verdict(spec)).toEqual([`reflex-pod-rule: ${words}`]);
    expect(verdict(spec, { old: good })).toEqual([`reflex-pod-rule: ${words}`]);
    expect(verdict(spec, { old: spec })).toEqual([]);
    expect(verdict(spec, { params: rules({}) })).toEqual([]);
    const others = Object.entries(all).filter(([key]) => !key.startsWith(`${words.split(" ")[0]}/`));
    expect(verdict(spec, { params: rules(Object.fromEntries(others)) })).toEqual([]);
  });

  it("let a good pod pass, from trusted registries in every spelling", () => {
    for (const image of [
      "reg.example/web:1",
      "team/app",
      "docker.io/team/app:1",
      "index.docker.io/team/a",
      `${TRUSTED_PROBE}:x`,
    ]) {
      expect(verdict({ containers: [container({ image })] })).toEqual([]);
    }
  });

  it("take what is not said for what Kubernetes takes it for", () => {
    expect(verdict({ containers: [{ name: "c", image: "reg.example/web:1" }] })).toEqual([
      "reflex-pod-rule: privilege-escalation c, writable-root c",
    ]);
    const windows = { os: { name: "windows" }, containers: [{ name: "c", image: "reg.example/web:1" }] };
    expect(verdict(windows)).toEqual([]);
  });

  it("hold a namespace to its own rules and to those of all", () => {
    const params = rules({ "privileged/shop": "a-1" });
    const spec = { containers: [container({}, { privileged: true })] };
    expect(verdict(spec, { params })).toHaveLength(1);
    expect(verdict(spec, { params, namespace: "bank" })).toEqual([]);
  });

  it.each<[string, Bindings | null]>([
    ["is not there", null],
    ["has no specification", {}],
    ["has no entries", { spec: {} }],
  ])("let everything pass where the list %s", (_what, params) => {
    for (const [, spec] of BROKEN) expect(verdict(spec, { params })).toEqual([]);
  });

  it("look at nothing of the platform, and of our own only at what asks for it", () => {
    const spec = { containers: [container({}, { privileged: true })] };
    for (const pattern of PROTECTED_NAMESPACES.filter((one) => one !== OWN_NAMESPACE)) {
      expect([pattern, verdict(spec, { namespace: pattern.replace("*", "x") })]).toEqual([pattern, null]);
    }
    expect(verdict(spec, { namespace: OWN_NAMESPACE })).toBeNull();
    expect(verdict(spec, { namespace: OWN_NAMESPACE, labels: { a: "b" } })).toBeNull();
    const params = rules({ "privileged/shop": "a-1" });
    const asked = (as: string) =>
      verdict(spec, { namespace: OWN_NAMESPACE, labels: { [AS_NAMESPACE]: as }, params });
    expect(asked("shop")).toHaveLength(1);
    expect(asked("")).toEqual([]);
    // Elsewhere nobody gets out of the rules by a label.
    expect(verdict(spec, { params, labels: { [AS_NAMESPACE]: "bank" } })).toHaveLength(1);
  });

  it("deny by name what would be too much to look through", () => {
    const containers = Array.from({ length: 101 }, (_, at) => container({ name: `c${at}` }));
    const words = "reflex-pod-rule: more than 100 containers in one pod are not looked through";
    expect(verdict({ containers })).toEqual([words]);
    expect(verdict({ containers: containers.slice(1) })).toEqual([]);
    expect(verdict({ containers }, { old: { containers } })).toEqual([]);
    expect(verdict({ containers }, { params: rules({ "privileged/bank": "a-1" }) })).toEqual([]);
  });
});

describe("the manifest of the pod rules", () => {
  it("stays out of the way where a list or its kind is gone, and covers what the image policy covers", () => {
    const schema = z.object({
      spec: z.object({
        failurePolicy: z.literal("Ignore"),
        paramKind: z.object({
          apiVersion: z.literal("defender-reflex.dev/v1"),
          kind: z.literal("AdmissionList"),
        }),
        matchConstraints: z.unknown(),
        variables: z.array(z.object({ expression: z.string().max(3_000) })),
        validations: z.array(z.object({ message: z.string().regex(/^reflex-pod-rule: /) })),
      }),
    });
    const { matchConstraints } = schema.parse(policy).spec;
    expect(matchConstraints).toEqual(
      z
        .object({ spec: z.object({ matchConstraints: z.unknown() }) })
        .parse(manifest("3-block-images.yaml")[0]).spec.matchConstraints,
    );
  });

  it("binds one list to warnings and one to denials, both empty at first", () => {
    const bindings = documents.filter(({ kind }) => kind === "ValidatingAdmissionPolicyBinding");
    expect(bindings.map(({ spec }) => spec)).toEqual(
      [["warn", "Warn"] as const, ["deny", "Deny"] as const].map(([action, does]) => ({
        policyName: "reflex-pod-rules",
        validationActions: [does],
        paramRef: {
          name: `reflex-pod-rules-${action}`,
          namespace: OWN_NAMESPACE,
          parameterNotFoundAction: "Allow",
        },
      })),
    );
    const lists = documents.filter(({ kind }) => kind === "AdmissionList");
    expect(lists).toHaveLength(2);
    for (const list of lists) expect(list).not.toHaveProperty("spec");
  });
});
