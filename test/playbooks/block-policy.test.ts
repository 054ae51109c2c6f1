import { describe, expect, it } from "vitest";
import { type Admission, judgeOf } from "./admission-policy.ts";
import { type Bindings, evaluators } from "./cel-evaluators.ts";
import { manifest } from "./cluster-objects.ts";

const DIGEST = `sha256:${"4f".repeat(32)}`;
const EVIL = "docker.io_S_library_S_evil_T_1";
const judges = evaluators.map((evaluator) => judgeOf(manifest("3-block-images.yaml")[0], evaluator));

type Spec = Readonly<Record<string, unknown>>;

const listOf = (...keys: string[]): Bindings => ({
  spec: { entries: Object.fromEntries(keys.map((key) => [key, "x"])) },
});
const podOf = (spec: Spec): Bindings => ({ kind: "Pod", spec }) as Bindings;
const running = (...images: string[]): Spec => ({
  containers: images.map((image, at) => ({ name: `c${at}`, image })),
});

/** What the policy says; both evaluators must agree. */
function verdict(
  object: Bindings,
  { old = null, params = listOf(EVIL) }: { old?: Bindings | null; params?: Bindings | null } = {},
): readonly string[] {
  const request = { operation: old === null ? "CREATE" : "UPDATE" };
  const admission: Admission = { request, object, oldObject: old, params };
  const [first = null, ...others] = judges.map((judge) => judge(admission));
  for (const other of others) expect(other).toEqual(first);
  return first ?? [];
}

const DENIED = [expect.stringMatching(/^reflex-blocked-image: /)];

describe("the expressions of the image policy, on two evaluators", () => {
  it.each([
    "evil:1",
    "library/evil:1",
    "docker.io/evil:1",
    "docker.io/library/evil:1",
    "index.docker.io/evil:1",
    "index.docker.io/library/evil:1",
    `evil:1@sha256:${"0".repeat(64)}`,
  ])("deny %s under the entry of docker.io/library/evil:1", (image) => {
    expect(verdict(podOf(running("good:1", image)))).toEqual([`reflex-blocked-image: ${image}`]);
  });

  it.each(["evil:2", "evil", "localhost/evil:1", "EVIL:1", "reg.example/evil:1", `evil@${DIGEST}`, ""])(
    "let %j pass",
    (image) => {
      expect(verdict(podOf(running(image)))).toEqual([]);
    },
  );

  it("deny a digest in whatever repository, a whole repository, and tell a port from a tag", () => {
    const digest = listOf(DIGEST.replace(":", "."));
    expect(verdict(podOf(running(`any/name:9@${DIGEST}`)), { params: digest })).toEqual(DENIED);
    const repository = listOf("reg.example_C_5000_S_team_S_app");
    expect(verdict(podOf(running("reg.example:5000/team/app:7")), { params: repository })).toEqual(DENIED);
    expect(verdict(podOf(running("reg.example:5000/team/app2:7")), { params: repository })).toEqual([]);
    const tag = listOf("reg.example_C_5000_S_team_S_app_T_2");
    expect(verdict(podOf(running("reg.example:5000/team/app:2")), { params: tag })).toEqual(DENIED);
    expect(verdict(podOf(running("reg.example:5000/team/app")), { params: tag })).toEqual([]);
  });

  it.each<[string, Spec]>([
    ["a container", running("evil:1")],
    ["an init container", { ...running("a"), initContainers: [{ name: "i", image: "evil:1" }] }],
    ["an ephemeral container", { ...running("a"), ephemeralContainers: [{ name: "e", image: "evil:1" }] }],
    [
      "a volume made of an image",
      { ...running("a"), volumes: [{ name: "v", image: { reference: "evil:1" } }] },
    ],
  ])("look at %s, in a pod and in everything that makes pods", (_what, spec) => {
    const template = { spec };
    const objects = [
      podOf(spec),
      { kind: "PodTemplate", template },
      { kind: "Deployment", spec: { template } },
      { kind: "Job", spec: { template } },
      { kind: "CronJob", spec: { jobTemplate: { spec: { template } } } },
    ] as Bindings[];
    for (const object of objects) {
      expect(verdict(object)).toEqual(DENIED);
      // It has it already: relabelling, scaling and letting go must go on.
      expect(verdict(object, { old: object })).toEqual([]);
    }
  });

  it("count only what an update brings in, containers of whatever kind and volumes alike", () => {
    const old = podOf(running("good:1"));
    const added = { ephemeralContainers: [{ name: "e", image: "evil:1" }] };
    expect(verdict(podOf(running("evil:1")), { old })).toEqual(DENIED);
    expect(verdict(podOf({ ...running("good:1"), ...added }), { old })).toEqual(DENIED);
    expect(verdict(podOf(running("good:2")), { old: podOf(running("evil:1")) })).toEqual([]);
    const volume = {
      volumes: [
        { name: "v", emptyDir: {} },
        { name: "w", image: { pullPolicy: "Always" } },
      ],
    };
    expect(verdict(podOf({ ...running("good:1"), ...volume }), { old })).toEqual([]);
  });

  it.each<[string, Bindings | null]>([
    ["is not there", null],
    ["has no specification", {}],
    ["has no entries", { spec: {} }],
    ["is empty", listOf()],
  ])("let everything pass where the list %s", (_what, params) => {
    expect(verdict(podOf(running("evil:1", "good:1")), { params })).toEqual([]);
  });

  it("deny by name what would be too much to look through, and never let it hide an image", () => {
    const many = Array.from({ length: 300 }, (_, at) => `good:${at}`);
    expect(verdict(podOf(running(...many.slice(1), "evil:1")))).toEqual(["reflex-blocked-image: evil:1"]);
    expect(verdict(podOf(running(...many)))).toEqual([]);
    expect(verdict(podOf(running(...many, "evil:1")))).toEqual([
      "reflex-blocked-image: more than 300 containers and volumes in one pod are not looked through",
    ]);
    const long = `reg.example/${"a".repeat(1_100)}`;
    const tooLong = expect.stringContaining("more than 1024 characters");
    expect(verdict(podOf(running(long)))).toEqual([tooLong]);
    expect(verdict(podOf(running(long, "evil:1")))).toEqual(["reflex-blocked-image: evil:1", tooLong]);
    expect(verdict(podOf(running(long)), { old: podOf(running(long)) })).toEqual([]);
  });
});
