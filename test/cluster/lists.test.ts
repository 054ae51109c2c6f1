import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HOLD_LIST, OWN_NAMESPACE, SESSION_LIST } from "../../src/model/incident-mark.ts";
import { type Plan, sealPlan } from "../../src/model/plan.ts";
import type { AnyPlaybook, WritePorts } from "../../src/model/playbook.ts";
import type { Target } from "../../src/model/target.ts";
import { denyExec } from "../../src/playbooks/deny-exec.ts";
import { holdWorkload } from "../../src/playbooks/hold-workload.ts";
import { CLUSTER, manifest, pod } from "../playbooks/cluster-objects.ts";
import { running, workloadTarget } from "../playbooks/workload-objects.ts";
import { eventually, type Lab } from "./lab.ts";
import { asApp, labs } from "./labs.ts";

const places = labs("The lists of holds and sessions are not tried on a real API server.");
const MANIFESTS = [
  "1-admission-lists.yaml",
  "1-namespace.yaml",
  "4-access.yaml",
  "5-pin-identity.yaml",
  "6-hold-workloads.yaml",
  "8-deny-exec.yaml",
];
const WAIT = 90_000;
const web = workloadTarget("Deployment", "web");
const closed = { kind: "pod", cluster: CLUSTER, namespace: "shop", name: "closed" } as const;
const HELD = "reflex-held-workload: shop_Deployment.apps_web";
const DENIED = "reflex-denied-session: shop/closed";
let runs = 0;

const owner = (name: string, controller: boolean): object => ({
  apiVersion: "apps/v1",
  kind: "ReplicaSet",
  name,
  uid: `uid-of-${name.slice(-20)}`,
  controller,
});
/** A pod that asks to be one of that ReplicaSet, beside so many other owners. */
const podOf = (replicaSet: string, others = 0): object =>
  pod("probe", {
    metadata: {
      labels: { "pod-template-hash": "5d9" },
      ownerReferences: [
        ...Array.from({ length: others }, (_, at) => owner(`o${at}`, false)),
        owner(replicaSet, true),
      ],
    },
    spec: { nodeName: undefined },
  });
const entriesOf = (count: number, key: (at: number) => string): object =>
  Object.fromEntries(
    Array.from({ length: count }, (_, at) => [
      key(at),
      JSON.stringify({ remediation: `a-0198c0ffee-x7-${at}` }),
    ]),
  );

describe.each(places)("the lists of holds and sessions on $name", ({ open, isThere }) => {
  let lab: Lab;
  let ports: WritePorts;

  beforeAll(async () => {
    if (!isThere) return;
    lab = await open();
    const shop = { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } };
    await lab.apply(shop, ...MANIFESTS.flatMap(manifest), running("Deployment", "web"));
    const { reader, writer } = await asApp(lab);
    ports = { read: { kubernetes: () => reader }, write: { kubernetes: () => writer } };
    const bare = (name: string): object => pod(name, { spec: { nodeName: undefined } });
    // Accounts for pods are made some moments after their namespace.
    await eventually(
      () =>
        lab.apply(bare("closed"), bare("open")).then(
          () => true,
          () => false,
        ),
      (done) => done,
    );
  }, 120_000);
  afterAll(() => (isThere ? lab.close() : undefined));

  const list = (name: string, entries: object): object => ({
    apiVersion: "defender-reflex.dev/v1",
    kind: "AdmissionList",
    metadata: { name, namespace: OWN_NAMESPACE },
    spec: { entries },
  });

  async function applied(playbook: AnyPlaybook, target: Target): Promise<Plan> {
    runs += 1;
    const remediationId = `a-${runs}`;
    const outcome = await playbook.plan({ target, parameters: {}, remediationId }, ports);
    if (outcome.outcome !== "change") throw new Error(outcome.reason);
    const plan = sealPlan(outcome.draft, { remediationId, playbook: playbook.name, target });
    await playbook.apply(plan, ports);
    expect(await playbook.verify(plan, ports)).toMatchObject({ verdict: "holds" });
    return plan;
  }

  const refused = (object: object, words: string) =>
    eventually(
      () => lab.refusal(object),
      (no) => no?.includes(words) === true,
    );
  const admitted = (object: object) =>
    eventually(
      () => lab.refusal(object),
      (no) => no === null,
    );
  const session = (words: string) =>
    eventually(
      () => lab.session("shop", "closed"),
      (said) => said.includes(words),
    );

  it.runIf(isThere)(
    "ten thousand entries neither slow them down nor open them, whatever a pod brings along",
    { timeout: WAIT },
    async () => {
      await lab.apply(
        list(
          HOLD_LIST,
          entriesOf(9_999, (at) => `shop_Deployment.apps_a-workload-with-a-name-${at}`),
        ),
        list(
          SESSION_LIST,
          entriesOf(9_999, (at) => `shop.a-pod-with-a-name-5d9f8c7b6-${at}`),
        ),
      );
      const hold = await applied(holdWorkload, web);
      const deny = await applied(denyExec, closed);
      expect(await refused(podOf("web-5d9"), HELD)).toContain(HELD);
      expect(await lab.refusal(podOf("web-5d9", 99))).toContain(HELD);
      expect(await lab.refusal(podOf("other-5d9", 99))).toBeNull();
      for (const others of [100, 1_000]) {
        expect(await lab.refusal(podOf("web-5d9", others))).toContain("are not looked through");
      }
      // A name that no object has is nobody's, and costs nothing.
      expect(await lab.refusal(podOf(`${"w".repeat(500_000)}-5d9`))).toBeNull();
      expect(await session(DENIED)).toContain(DENIED);
      expect(await lab.session("shop", "open")).not.toContain("reflex-denied-session");
      for (const [playbook, target] of [
        [holdWorkload, workloadTarget("Deployment", "web")],
        [denyExec, { ...closed, name: "open" }],
      ] as const) {
        const asked = { target, parameters: {}, remediationId: "a-full" };
        expect(["skip", "no-op"]).toContain((await (playbook as AnyPlaybook).plan(asked, ports)).outcome);
      }
      expect(await holdWorkload.revert(hold, ports)).toEqual({ outcome: "restored" });
      expect(await denyExec.revert(deny, ports)).toEqual({ outcome: "restored" });
      expect(await admitted(podOf("web-5d9"))).toBeNull();
      await lab.apply(list(HOLD_LIST, {}), list(SESSION_LIST, {}));
      expect(await admitted(podOf("web-5d9", 100))).toBeNull();
    },
  );

  it.runIf(isThere)(
    "a wave of changes goes through at once, and an entry that somebody else has changed is left alone",
    { timeout: WAIT },
    async () => {
      const of = (id: string) => JSON.stringify({ remediation: id });
      await lab.apply(list(SESSION_LIST, { "shop.theirs": of("x") }));
      const seen = await ports.read.kubernetes(CLUSTER).sessionList();
      if (seen === null) throw new Error("a list is wanted");
      const change = (entries: Readonly<Record<string, string | null>>) =>
        ports.write.kubernetes(CLUSTER).changeSessionList(seen, entries);
      const wave = Array.from({ length: 40 }, (_none, at) => ({ [`shop.pod-${at}`]: of(`a-${at}`) }));
      await Promise.all(wave.map(change));
      const whole = Object.assign({ "shop.theirs": of("x") }, ...wave);
      const [lying] = await lab
        .list("admissionlists", OWN_NAMESPACE)
        .then((lists) => lists.filter(({ metadata }) => metadata.name === SESSION_LIST));
      expect(lying?.spec?.["entries"]).toEqual(whole);
      for (const entries of [{ "shop.pod-1": of("b") }, { "shop.pod-1": null }]) {
        await expect(change(entries)).rejects.toMatchObject({ kind: "retryable", retryAfterMs: 0 });
      }
      await lab.apply(list(SESSION_LIST, { "shop.theirs": of("y") }));
      await expect(change({ "shop.theirs": null })).rejects.toMatchObject({ retryAfterMs: 0 });
      expect((await ports.read.kubernetes(CLUSTER).sessionList())?.entries).toEqual({
        "shop.theirs": of("y"),
      });
      await lab.apply(list(SESSION_LIST, {}));
    },
  );

  it.runIf(isThere)(
    "no state of a list or of the kind denies or admits everything, and what is off is noticed",
    { timeout: WAIT },
    async () => {
      const hold = await applied(holdWorkload, web);
      const deny = await applied(denyExec, closed);
      const entries = Object.fromEntries(
        (await lab.list("admissionlists", OWN_NAMESPACE)).map(({ metadata, spec }) => [
          metadata.name,
          Object(spec?.["entries"]),
        ]),
      );
      expect(await refused(podOf("web-5d9"), HELD)).toContain(HELD);
      expect(await session(DENIED)).toContain(DENIED);
      for (const gone of ["the lists", "their kind"]) {
        if (gone === "the lists") {
          await lab.remove("admissionlists", HOLD_LIST, OWN_NAMESPACE);
          await lab.remove("admissionlists", SESSION_LIST, OWN_NAMESPACE);
        } else {
          await lab.remove("customresourcedefinitions", "admissionlists.defender-reflex.dev");
        }
        expect(await admitted(podOf("web-5d9"))).toBeNull();
        expect(await admitted(podOf("other-5d9"))).toBeNull();
        expect(await session("does not have a host assigned")).not.toContain(DENIED);
        expect(await holdWorkload.verify(hold, ports)).toMatchObject({ verdict: "absent" });
        expect(await denyExec.verify(deny, ports)).toMatchObject({ verdict: "absent" });
      }
      await lab.apply(
        ...manifest("1-admission-lists.yaml"),
        list(HOLD_LIST, entries[HOLD_LIST]),
        list(SESSION_LIST, entries[SESSION_LIST]),
      );
      expect(await refused(podOf("web-5d9"), HELD)).toContain(HELD);
      expect(await lab.refusal(podOf("other-5d9"))).toBeNull();
      expect(await session(DENIED)).toContain(DENIED);
      expect(await holdWorkload.revert(hold, ports)).toEqual({ outcome: "restored" });
      expect(await denyExec.revert(deny, ports)).toEqual({ outcome: "restored" });
      expect(await admitted(podOf("web-5d9"))).toBeNull();
      expect(await session("does not have a host assigned")).not.toContain(DENIED);
    },
  );
});
