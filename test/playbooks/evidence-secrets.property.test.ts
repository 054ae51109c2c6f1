import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { EvidenceSource } from "../../src/model/evidence-source.ts";
import { collectFiles } from "../../src/playbooks/evidence-files.ts";
import { LEFT_OUT, redacted } from "../../src/playbooks/redacted.ts";
import { secretsIn } from "../security/secret-search.ts";

const SECRET = "canary-value-of-a-secret-7c1e";
const APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

const word = fc.stringMatching(/^[a-z]{1,8}$/);
const variable = fc.record({ name: word, value: fc.constantFrom(SECRET, `x${SECRET}y`, "plain") });
const reference = fc.record({
  name: word,
  valueFrom: fc.record({ secretKeyRef: fc.record({ name: word, key: word }) }),
});
const header = fc.record({ name: word, value: fc.constant(`Bearer ${SECRET}`) });
const probe = fc.record({
  httpGet: fc.record({ path: word, httpHeaders: fc.array(header, { maxLength: 2 }) }),
});
const container = fc.record(
  {
    name: word,
    image: word,
    env: fc.array(fc.oneof(variable, reference), { maxLength: 4 }),
    livenessProbe: probe,
    lifecycle: fc.record({ preStop: probe }),
  },
  { requiredKeys: ["name", "image"] },
);
const volume = fc.oneof(
  fc.record({
    name: word,
    csi: fc.record({ driver: word, volumeAttributes: fc.constant({ password: SECRET }) }),
  }),
  fc.record({ name: word, flexVolume: fc.record({ driver: word, options: fc.constant({ key: SECRET }) }) }),
  fc.record({ name: word, secret: fc.record({ secretName: word }) }),
);
const spec = fc.record({
  containers: fc.array(container, { minLength: 1, maxLength: 3 }),
  initContainers: fc.array(container, { maxLength: 2 }),
  ephemeralContainers: fc.array(container, { maxLength: 2 }),
  volumes: fc.array(volume, { maxLength: 3 }),
});
const metadata = fc.record({
  name: fc.constant("web-1"),
  uid: fc.constant("uid-1"),
  annotations: fc.constant({
    [APPLIED]: JSON.stringify({ env: [{ name: "A", value: SECRET }] }),
    other: "kept",
  }),
});

/** A cluster in which every object holds the secret wherever a pod template can. */
function cluster(pod: object, template: object): EvidenceSource {
  const found = <T>(value: T) => Promise.resolve({ found: value });
  const list = () => found({ items: [], whole: true });
  return {
    rawPod: () => found({ kind: "Pod", ...pod }),
    rawWorkload: (kind) => found({ kind, metadata: { uid: "uid-2" }, spec: { template }, ...template }),
    rawNode: () => found({ kind: "Node" }),
    rawServiceAccount: () => found({ kind: "ServiceAccount", secrets: [{ name: "token" }] }),
    events: list,
    roleBindings: list,
    clusterRoleBindings: list,
    readableNetworkPolicies: () => found([]),
    log: () => found({ bytes: new Uint8Array(), cut: false }),
  };
}

describe("secrets in what is collected", () => {
  it("are in no file, wherever a pod or the template of its owner may hold their values", async () => {
    let held = 0;
    await fc.assert(
      fc.asyncProperty(metadata, spec, spec, async (of, own, above) => {
        const template = { metadata: { annotations: of.annotations, uid: "uid-2" }, spec: above };
        const pod = { metadata: of, spec: own };
        if (JSON.stringify([pod, template]).includes(SECRET)) held += 1;
        const controller = { apiVersion: "apps/v1", kind: "StatefulSet", name: "web", uid: "uid-2" };
        const subject = { namespace: "shop", name: "web-1", uid: "uid-1", controller, serviceAccount: null };
        const { files } = await collectFiles({ ...subject, node: "n1" }, cluster(pod, template));
        expect(files.map(({ name }) => name)).toContain("owners.json");
        const places = files.map(({ name, bytes }) => ({ where: name, content: bytes }));
        expect(secretsIn(places, [SECRET])).toEqual([]);
      }),
      { numRuns: 150 },
    );
    expect(held).toBeGreaterThan(100);
  });

  it("leave their names behind, and the names of what holds them", () => {
    const env = [
      { name: "PASSWORD", value: "x" },
      { name: "EMPTY", value: "" },
      { name: "KEY", valueFrom: { secretKeyRef: { name: "keys", key: "k" } } },
    ];
    expect(redacted({ spec: { containers: [{ name: "web", args: ["--verbose"], env }] } })).toEqual({
      spec: {
        containers: [
          {
            name: "web",
            args: ["--verbose"],
            env: [
              { name: "PASSWORD", value: LEFT_OUT },
              { name: "EMPTY", value: LEFT_OUT },
              { name: "KEY", valueFrom: { secretKeyRef: { name: "keys", key: "k" } } },
            ],
          },
        ],
      },
    });
  });

  it("change nothing else of an object, whatever its keys are", () => {
    const names = fc
      .string()
      .filter((key) => !["env", "httpHeaders", "volumeAttributes", "options", APPLIED].includes(key));
    const json = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.string(),
        fc.integer(),
        fc.constant(null),
        fc.array(tie("value"), { maxLength: 3 }),
        fc.dictionary(names, tie("value"), { maxKeys: 3, noNullPrototype: true }),
      ),
    })).value;
    fc.assert(
      fc.property(json, (value) => {
        expect(JSON.stringify(redacted(value))).toBe(JSON.stringify(value));
      }),
    );
  });
});
