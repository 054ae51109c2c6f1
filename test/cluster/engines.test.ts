import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { EngineDeny } from "../../src/model/engine-policies.ts";
import { Conflict, Permanent } from "../../src/model/errors.ts";
import { INCIDENT_LABEL } from "../../src/model/incident-mark.ts";
import { type Plan, sealPlan } from "../../src/model/plan.ts";
import type { WritePorts } from "../../src/model/playbook.ts";
import { denyByCalico } from "../../src/playbooks/deny-by-calico.ts";
import { denyByOvn } from "../../src/playbooks/deny-by-ovn.ts";
import { engineDeny } from "../../src/playbooks/engine-deny.ts";
import { isolatePod } from "../../src/playbooks/isolate-pod.ts";
import { agent } from "../playbooks/cilium-objects.ts";
import { CLUSTER, manifest, policy } from "../playbooks/cluster-objects.ts";
import { adminPolicy, calicoPolicy, tier } from "../playbooks/engine-objects.ts";
import { adminKinds, calicoKinds } from "./engine-kinds.ts";
import { eventually, type Lab } from "./lab.ts";
import { asApp, labs } from "./labs.ts";

const places = labs("No deny of an engine's own kind is tried on a real API server.");
const WAIT = 60_000;
const ENGINES = [
  { by: denyByOvn, kinds: adminKinds, agents: agent("openshift-ovn-kubernetes", "ovnkube-node"), rank: 1 },
  { by: denyByCalico, kinds: calicoKinds, agents: agent("calico-system", "calico-node"), rank: -1 },
];
const OTHERS = [
  adminPolicy("first", 0, ["Deny"]),
  tier("default", 1_000_000),
  calicoPolicy("first", { namespace: "shop", order: 0, ingress: [{ action: "Deny" }] }),
];
const labels = { app: "web", tier: "front" };

describe.each(places)("denies of the engines' own kinds on $name", ({ open, isThere, isReal }) => {
  let lab: Lab;
  let ports: WritePorts;
  let runs = 0;

  beforeAll(async () => {
    if (!isThere) return;
    lab = await open();
    const spaces = ["shop", "openshift-ovn-kubernetes", "calico-system"];
    const manifests = ["1-namespace.yaml", "1-admission-lists.yaml", "4-access.yaml", "5-pin-identity.yaml"];
    await lab.apply(
      ...spaces.map((name) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } })),
      ...ENGINES.flatMap(({ kinds }) => kinds),
      ...manifests.flatMap(manifest),
    );
    const { reader, writer } = await asApp(lab);
    ports = { read: { kubernetes: () => reader }, write: { kubernetes: () => writer } };
    // New kinds are served some moments after they were installed, and accounts for pods are made some moments later.
    await eventually(
      () =>
        lab.apply(...OTHERS, web("probe")).then(
          () => true,
          () => false,
        ),
      (done) => done,
    );
  }, 120_000);
  afterAll(() => (isThere ? lab.close() : undefined));

  const web = (name: string): object => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { namespace: "shop", name, labels },
    spec: { containers: [{ name: "c", image: "reg.example/shop/web:1" }] },
  });
  const labelsOf = async (name: string) =>
    (await lab.list("pods", "shop")).find(({ metadata }) => metadata.name === name)?.metadata.labels;
  async function planned(name: string, engine: "ovn" | "calico"): Promise<Plan> {
    runs += 1;
    const target = { kind: "pod", cluster: CLUSTER, namespace: "shop", name } as const;
    const remediationId = `g-${runs}`;
    const outcome = await isolatePod.plan({ target, parameters: { engine }, remediationId }, ports);
    if (outcome.outcome !== "change") throw new Error(outcome.reason);
    return sealPlan(outcome.draft, { remediationId, playbook: isolatePod.name, target });
  }

  describe.each(ENGINES)("$by.word", ({ by, agents, rank }) => {
    const all = () => lab.list(by.plural, by.isNamespaced ? "shop" : undefined);
    const pod = `web-${by.word}`;
    beforeAll(async () => {
      if (!isThere) return;
      await lab.apply(
        agents,
        web(pod),
        policy("out", { podSelector: {}, policyTypes: ["Egress"], egress: [{}] }),
        policy("pods", { podSelector: {}, ingress: [{ from: [{ podSelector: {} }] }] }),
      );
    });
    afterAll(async () => {
      if (isThere) await lab.remove("daemonsets", nameOf(agents), namespaceOf(agents));
    });

    it.runIf(isThere)(
      "is made, read back as it was made, and taken back, with our rights and under the pin",
      { timeout: WAIT },
      async () => {
        const plan = await planned(pod, wordOf(by.word));
        expect(plan.data).toMatchObject({ deny: { by: by.word, rank } });
        expect(plan.data).toHaveProperty("removed", {});
        const before = await all();
        await isolatePod.apply(plan, ports);
        await isolatePod.apply(plan, ports);
        expect(await isolatePod.verify(plan, ports)).toEqual({ verdict: "holds", proof: "declared" });
        expect(await labelsOf(pod)).toEqual({ ...labels, [INCIDENT_LABEL]: plan.remediationId });
        expect((await all()).map(({ metadata }) => metadata.name)).toContain(by.nameOf(plan.remediationId));
        expect(await isolatePod.revert(plan, ports)).toEqual({ outcome: "restored" });
        expect(await isolatePod.revert(plan, ports)).toEqual({ outcome: "restored" });
        expect(await labelsOf(pod)).toEqual(labels);
        expect(await all()).toEqual(before);
      },
    );

    it.runIf(isThere)(
      "is a conflict where it is there already, and is deleted only as that object",
      { timeout: WAIT },
      async () => {
        const deny = engineDeny(by, `h-${by.word}`, { namespace: "shop", name: pod }, 50);
        const writer = ports.write.kubernetes(CLUSTER);
        const made = await eventually(
          () => writer.createEngineDeny(deny).catch(() => null),
          (found) => found !== null,
        );
        await expect(writer.createEngineDeny(deny)).rejects.toThrow(Conflict);
        await expect(
          writer.deleteEngineDeny(deny, { uid: "0f0f0f0f-1111-4222-8333-555555555555" }),
        ).rejects.toThrow();
        expect(await ports.read.kubernetes(CLUSTER).enginePolicy(deny)).toMatchObject({
          uid: made?.uid,
          spec: deny.spec,
        });
        await writer.deleteEngineDeny(deny, { uid: made?.uid ?? "" });
        await writer.deleteEngineDeny(deny, { uid: made?.uid ?? "" });
        expect(await ports.read.kubernetes(CLUSTER).enginePolicy(deny)).toBe(null);
      },
    );

    it.runIf(isThere && isReal)("is kept by the pin to a denial for one pod", { timeout: WAIT }, async () => {
      const writer = ports.write.kubernetes(CLUSTER);
      const deny = engineDeny(by, "p-1", { namespace: "shop", name: pod }, 60);
      const allows = {
        egress: [{ action: "Allow", ...(by === denyByOvn ? { to: [{ namespaces: {} }] } : {}) }],
      };
      const bad: EngineDeny[] = [
        { ...deny, spec: { ...deny.spec, ...allows } },
        { ...deny, labels: {} },
        engineDeny(by, "p-1", { namespace: "kube-system", name: pod }, 60),
      ];
      for (const one of bad) {
        await expect(writer.createEngineDeny(one)).rejects.toThrow(Permanent);
      }
      const [somebody] = await all();
      const { uid = "", name = "" } = somebody?.metadata ?? {};
      await expect(writer.deleteEngineDeny({ ...deny, name }, { uid })).rejects.toThrow(Permanent);
      expect((await all()).map(({ metadata }) => metadata.name)).toContain(name);
    });
  });
});

function wordOf(word: string): "ovn" | "calico" {
  return word === "ovn" ? "ovn" : "calico";
}

function nameOf(made: object): string {
  return String(Reflect.get(Object(Reflect.get(made, "metadata")), "name"));
}

function namespaceOf(made: object): string {
  return String(Reflect.get(Object(Reflect.get(made, "metadata")), "namespace"));
}
