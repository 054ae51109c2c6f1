import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BLOCK_LIST, OWN_NAMESPACE } from "../../src/model/incident-mark.ts";
import { type Plan, sealPlan } from "../../src/model/plan.ts";
import type { Verification, WritePorts } from "../../src/model/playbook.ts";
import { POD_RULES } from "../../src/model/pod-rules.ts";
import type { Trial } from "../../src/model/tried-pod.ts";
import { blockImage } from "../../src/playbooks/block-image.ts";
import { enforcePodRules } from "../../src/playbooks/enforce-pod-rules.ts";
import { CLUSTER, manifest } from "../playbooks/cluster-objects.ts";
import { eventually, type Lab } from "./lab.ts";
import { asApp, labs } from "./labs.ts";

const places = labs("No admission policy is tried on a real API server.");
const WAIT = 90_000;
const EVIL = "evil/miner:1";
const LIST = { apiVersion: "defender-reflex.dev/v1", kind: "AdmissionList" };
const named = { name: BLOCK_LIST, namespace: OWN_NAMESPACE };
let runs = 0;

const pod = (images: readonly string[]): object => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "probe", namespace: "shop" },
  spec: { containers: images.map((image, at) => ({ name: `c${at}`, image })) },
});

describe.each(places)("admission on $name", ({ open, isThere, isReal }) => {
  let lab: Lab;
  let ports: WritePorts;

  beforeAll(async () => {
    if (!isThere) return;
    lab = await open();
    await lab.apply(
      { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } },
      ...manifest("1-namespace.yaml"),
      ...manifest("1-admission-lists.yaml"),
    );
    await applied("2-blocked-images.yaml");
    await applied("3-block-images.yaml");
    await applied("7-pod-rules.yaml");
    await applied("4-access.yaml");
    await applied("5-pin-identity.yaml");
    const { reader, writer } = await asApp(lab);
    ports = { read: { kubernetes: () => reader }, write: { kubernetes: () => writer } };
    await eventually(
      () => lab.refusal(pod(["good:1"])),
      (no) => no === null,
    );
  }, 120_000);
  afterAll(() => (isThere ? lab.close() : undefined));

  /** As often as it takes: a definition is not served at once. */
  async function applied(file: string): Promise<void> {
    const attempt = (): Promise<unknown> =>
      lab.apply(...manifest(file)).then(
        () => null,
        (error: unknown) => error,
      );
    const left = await eventually(attempt, (error) => error === null);
    if (left !== null) throw left;
  }

  async function planned(reference = EVIL): Promise<Plan> {
    runs += 1;
    const remediationId = `a-${runs}`;
    const target = { kind: "image", cluster: CLUSTER, reference, digest: null } as const;
    const outcome = await blockImage.plan({ target, parameters: {}, remediationId }, ports);
    if (outcome.outcome !== "change") throw new Error(outcome.reason);
    return sealPlan(outcome.draft, { remediationId, playbook: blockImage.name, target });
  }

  const judged = (plan: Plan): Promise<Verification> =>
    eventually(
      () => blockImage.verify(plan, ports),
      ({ verdict }) => verdict !== "not-yet",
    );
  const said = async (image: string): Promise<Trial | undefined> => {
    const rows = await ports.read.kubernetes(CLUSTER).tryPods([{ containers: [{ image }] }], 1);
    return rows?.[0]?.[0];
  };
  const DENIED = { outcome: "denied", words: `reflex-blocked-image: ${EVIL}` };
  const ADMITTED = { outcome: "admitted", words: [] };

  it.runIf(isThere)(
    "block-image is proved by the probe, and its end as well",
    { timeout: WAIT },
    async () => {
      const plan = await planned();
      await blockImage.apply(plan, ports);
      expect(await judged(plan)).toEqual({ verdict: "holds", proof: "proved" });
      expect(await said(EVIL)).toEqual(DENIED);
      expect(await lab.refusal(pod(["good:1", `docker.io/${EVIL}`]))).toContain("reflex-blocked-image");
      expect(await lab.list("podtemplates", OWN_NAMESPACE)).toEqual([]);
      expect(await blockImage.revert(plan, ports)).toEqual({ outcome: "restored" });
      expect(
        await eventually(
          () => said(EVIL),
          (trial) => trial?.outcome === "admitted",
        ),
      ).toEqual(ADMITTED);
    },
  );

  it.runIf(isThere)(
    "ten thousand entries neither slow it down nor open it, and no more go in",
    { timeout: WAIT },
    async () => {
      const entries = Object.fromEntries(
        Array.from({ length: 9_999 }, (_, at) => [
          `registry${at % 97}.example_S_team_S_a-service-with-a-name_T_1.2.${at}`,
          JSON.stringify({ remediation: `a-0198c0ffee-x7-${at}` }),
        ]),
      );
      await lab.apply({ ...LIST, metadata: named, spec: { entries } });
      const plan = await planned();
      await blockImage.apply(plan, ports);
      expect(await judged(plan)).toEqual({ verdict: "holds", proof: "proved" });
      const long = `index.docker.io/${"a/".repeat(460)}x`;
      const digest = `:t@sha256:${"0".repeat(64)}`;
      // The API server adds a volume with the pod's token.
      const many = Array.from({ length: 298 }, (_, at) => `${long}${at}${digest}`.slice(-1_000));
      expect(await lab.refusal(pod([...many, EVIL]))).toContain(`reflex-blocked-image: ${EVIL}`);
      expect(await lab.refusal(pod(many))).toBeNull();
      for (const large of [[...many, ...many], Array.from({ length: 5_000 }, (_, at) => `a:${at}`)]) {
        expect(await lab.refusal(pod([...large, EVIL]))).toContain("are not looked through");
      }
      expect(await lab.refusal(pod(["a".repeat(1_000_000), EVIL]))).toContain("reflex-blocked-image: ");
      const target = { kind: "image", cluster: CLUSTER, reference: "other:1", digest: null } as const;
      expect(await blockImage.plan({ target, parameters: {}, remediationId: "a-full" }, ports)).toMatchObject(
        { outcome: "skip", reason: expect.stringContaining("full") },
      );
      await expect(
        lab.apply({ ...LIST, metadata: named, spec: { entries: { ...entries, a: "x", b: "x" } } }),
      ).rejects.toThrow();
      expect(await blockImage.revert(plan, ports)).toEqual({ outcome: "restored" });
      await lab.apply({ ...LIST, metadata: named, spec: { entries: {} } });
    },
  );

  it.runIf(isThere).each(["warn", "deny"] as const)(
    "enforce-pod-rules does %s, is proved by the probe, and leaves nothing behind",
    { timeout: WAIT },
    async (action) => {
      runs += 1;
      const remediationId = `a-${runs}`;
      const target = { kind: "cluster", cluster: CLUSTER } as const;
      const parameters = { action, rules: POD_RULES, trustedRegistries: ["reg.example"] };
      const outcome = await enforcePodRules.plan({ target, parameters, remediationId }, ports);
      if (outcome.outcome !== "change") throw new Error(outcome.reason);
      const plan = sealPlan(outcome.draft, { remediationId, playbook: enforcePodRules.name, target });
      await enforcePodRules.apply(plan, ports);
      await enforcePodRules.apply(plan, ports);
      expect(
        await eventually(
          () => enforcePodRules.verify(plan, ports),
          ({ verdict }) => verdict !== "not-yet",
        ),
      ).toEqual({ verdict: "holds", proof: "proved" });
      const refusal = await lab.refusal(pod(["evil.example/a:1"]));
      if (action === "deny") expect(refusal).toContain("untrusted-registries c0");
      else expect(refusal).toBeNull();
      const securityContext = { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true };
      const containers = [{ name: "c", image: "reg.example/a:1", securityContext }];
      const good = { ...pod([]), spec: { containers } };
      expect(await lab.refusal(good)).toBeNull();
      // As large as it may be: the expressions stay within their cost.
      const names = Array.from({ length: 100 }, (_, at) => at);
      const large = names.map((at) => ({
        ...containers[0],
        name: `c${at}`,
        image: `reg.example/${"a/".repeat(480)}x`,
      }));
      expect(await lab.refusal({ ...good, spec: { containers: large } })).toBeNull();
      const bad = { name: "bad", image: "evil.example/a:1", securityContext: { privileged: true } };
      const hidden = await lab.refusal({ ...good, spec: { containers: [...large.slice(1), bad] } });
      if (action === "deny") expect(hidden).toContain("reflex-pod-rule: privileged bad");
      const worst = names.map((at) => ({
        name: `${"c".repeat(55)}${at}`,
        image: `evil.example/${"a".repeat(1_000)}`,
      }));
      const noted = await lab.refusal({ ...good, spec: { containers: worst, hostPID: true } });
      if (action === "deny") expect(noted).toContain("reflex-pod-rule: ");
      expect(await enforcePodRules.revert(plan, ports)).toEqual({ outcome: "restored" });
      expect(
        await eventually(
          () => lab.refusal(pod(["evil.example/a:1"])),
          (no) => no === null,
        ),
      ).toBeNull();
    },
  );

  it.runIf(isThere && isReal)(
    "no state of the list or its kind denies or admits everything, and what is off is noticed (real API server only)",
    { timeout: WAIT },
    async () => {
      const plan = await planned();
      await blockImage.apply(plan, ports);
      expect(await judged(plan)).toEqual({ verdict: "holds", proof: "proved" });
      const entries = (await lab.list("admissionlists", OWN_NAMESPACE))[0]?.spec?.["entries"];

      // The list is gone: nothing is blocked, nothing else denied, and it is told.
      await lab.remove("admissionlists", BLOCK_LIST, OWN_NAMESPACE);
      expect(
        await eventually(
          () => said(EVIL),
          (trial) => trial?.outcome === "admitted",
        ),
      ).toEqual(ADMITTED);
      expect(await blockImage.verify(plan, ports)).toMatchObject({ verdict: "absent" });

      // So is its kind.
      await lab.remove("customresourcedefinitions", "admissionlists.defender-reflex.dev");
      expect(await lab.refusal(pod(["good:1"]))).toBeNull();
      expect(await blockImage.verify(plan, ports)).toMatchObject({ verdict: "absent" });

      // Both come back, and with them what they block.
      await lab.apply(...manifest("1-admission-lists.yaml"));
      await applied("2-blocked-images.yaml");
      await lab.apply({ ...LIST, metadata: named, spec: { entries } });
      expect(await judged(plan)).toEqual({ verdict: "holds", proof: "proved" });

      // The binding goes for so long that the watch of a ConfigMap would stop for good; the list changes meanwhile.
      const [, binding] = manifest("3-block-images.yaml");
      await lab.remove("validatingadmissionpolicybindings", "reflex-block-images");
      expect(
        await eventually(
          () => said(EVIL),
          (trial) => trial?.outcome === "admitted",
        ),
      ).toEqual(ADMITTED);
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      await lab.apply({ ...LIST, metadata: named, spec: { entries: { docker_S_x: "x" } } });
      await lab.apply({ ...LIST, metadata: named, spec: { entries } });
      await lab.apply({ ...binding });
      expect(
        await eventually(
          () => judged(plan),
          ({ verdict }) => verdict === "holds",
        ),
      ).toEqual({
        verdict: "holds",
        proof: "proved",
      });
      expect(await lab.refusal(pod(["good:1"]))).toBeNull();
      expect(await blockImage.revert(plan, ports)).toEqual({ outcome: "restored" });
      expect(
        await eventually(
          () => said(EVIL),
          (trial) => trial?.outcome === "admitted",
        ),
      ).toEqual(ADMITTED);
    },
  );
});
