import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createKubernetes } from "../../src/clients/kubernetes/index.ts";
import { Permanent, Retryable } from "../../src/model/errors.ts";
import { INCIDENT_LABEL, SESSION_LIST } from "../../src/model/incident-mark.ts";
import { type Plan, sealPlan } from "../../src/model/plan.ts";
import type { AnyPlaybook, Verification, WritePorts } from "../../src/model/playbook.ts";
import type { Target } from "../../src/model/target.ts";
import { cordonNode } from "../../src/playbooks/cordon-node.ts";
import { denyExec } from "../../src/playbooks/deny-exec.ts";
import { disableWebhook } from "../../src/playbooks/disable-webhook.ts";
import { removeRoleBinding } from "../../src/playbooks/remove-role-binding.ts";
import { restrictServiceSources } from "../../src/playbooks/restrict-service-sources.ts";
import { revokeServiceAccount } from "../../src/playbooks/revoke-service-account.ts";
import { terminatePod } from "../../src/playbooks/terminate-pod.ts";
import { CLUSTER, manifest, pod } from "../playbooks/cluster-objects.ts";
import { account, binding, hook, runner, service, user, webhooks } from "../playbooks/rights-objects.ts";
import { eventually, type Lab, type LabObject } from "./lab.ts";
import { asApp, labs } from "./labs.ts";

const places = labs("No act is tried on a real API server.");
/** The pin too: what it forbids is not done here either. */
const MANIFESTS = [
  "1-admission-lists.yaml",
  "1-namespace.yaml",
  "3-block-images.yaml",
  "4-access.yaml",
  "5-pin-identity.yaml",
  "8-deny-exec.yaml",
];
const WAIT = 60_000;
let runs = 0;

describe.each(places)("acts on $name", ({ open, isThere, isReal }) => {
  let lab: Lab;
  let ports: WritePorts;

  beforeAll(async () => {
    if (!isThere) return;
    lab = await open();
    const shop = { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } };
    await lab.apply(shop, ...MANIFESTS.flatMap(manifest));
    const { reader, writer } = await asApp(lab);
    ports = { read: { kubernetes: () => reader }, write: { kubernetes: () => writer } };
  }, 120_000);
  afterAll(() => (isThere ? lab.close() : undefined));

  /** What the daily search finds of it. */
  async function marksOf({ remediationId }: Plan): Promise<readonly string[]> {
    const marked = await ports.read.kubernetes(CLUSTER).marked();
    return marked.flatMap((one) => (one.remediationId === remediationId ? [one.object] : []));
  }

  async function planned(playbook: AnyPlaybook, target: Target, parameters: unknown = {}): Promise<Plan> {
    runs += 1;
    const remediationId = `a-${runs}`;
    const outcome = await playbook.plan({ target, parameters, remediationId }, ports);
    if (outcome.outcome !== "change") throw new Error(outcome.reason);
    return sealPlan(outcome.draft, { remediationId, playbook: playbook.name, target });
  }

  /** Applied twice, since that must change nothing, and read back until it is judged. */
  async function applied(playbook: AnyPlaybook, plan: Plan): Promise<Verification> {
    await playbook.apply(plan, ports);
    await playbook.apply(plan, ports);
    return eventually(
      () => playbook.verify(plan, ports),
      ({ verdict }) => verdict !== "not-yet",
    );
  }

  async function named(kind: string, name: string, namespace?: string): Promise<LabObject | undefined> {
    return (await lab.list(kind, namespace)).find(({ metadata }) => metadata.name === name);
  }

  it.runIf(isThere).each([null, "shop"])(
    "remove-role-binding deletes a binding (namespace: %s), and its manifest brings it back",
    { timeout: WAIT },
    async (namespace) => {
      const kind = namespace === null ? "clusterrolebindings" : "rolebindings";
      const subjects = [runner, user("mallory")];
      await lab.apply(binding(namespace, "ci-admin", { subjects, annotations: { a: "b" } }));
      const before = await named(kind, "ci-admin", namespace ?? undefined);
      const target = { kind: "role-binding", cluster: CLUSTER, namespace, name: "ci-admin" } as const;
      await expect(planned(removeRoleBinding, target)).rejects.toThrow("names 2 subjects");
      const plan = await planned(removeRoleBinding, target, { allSubjects: true });
      expect(await applied(removeRoleBinding, plan)).toEqual({ verdict: "holds", proof: "proved" });
      expect(await named(kind, "ci-admin", namespace ?? undefined)).toBeUndefined();
      expect(await removeRoleBinding.revert(plan, ports)).toMatchObject({ outcome: "gone" });
      const kept: object = JSON.parse(JSON.stringify(plan.steps[0]?.before));
      await lab.apply(kept);
      const after = await named(kind, "ci-admin", namespace ?? undefined);
      for (const field of ["roleRef", "subjects"]) {
        expect(Reflect.get(after ?? {}, field)).toEqual(Reflect.get(before ?? {}, field));
      }
      expect(after?.metadata.annotations).toEqual(before?.metadata.annotations);
      expect(await removeRoleBinding.verify(plan, ports)).toMatchObject({ verdict: "partial" });
    },
  );

  it.runIf(isThere)(
    "remove-role-binding touches none of what the cluster stands on",
    { timeout: WAIT },
    async () => {
      const all = await lab.list("clusterrolebindings");
      const own = all.filter(({ metadata }) =>
        /^system:|^cluster-admin$|^defender-reflex$/.test(metadata.name),
      );
      expect(own.length).toBeGreaterThan(isReal ? 20 : 0);
      for (const { metadata } of own) {
        const target = {
          kind: "role-binding",
          cluster: CLUSTER,
          namespace: null,
          name: metadata.name,
        } as const;
        const plan = await removeRoleBinding.plan(
          { target, parameters: { allSubjects: true }, remediationId: "x" },
          ports,
        );
        expect([metadata.name, plan.outcome]).toEqual([metadata.name, "skip"]);
      }
      // Where the playbook itself were wrong, the pin would say no.
      if (!isReal) return;
      const [reader, writer] = [ports.read.kubernetes(""), ports.write.kubernetes("")];
      const kept = await reader.roleBinding(null, "system:public-info-viewer");
      if (kept === null) throw new Error("the API server makes this binding at its start");
      await expect(writer.deleteRoleBinding(null, kept.name, kept)).rejects.toThrow(Permanent);
      expect(await reader.roleBinding(null, kept.name)).not.toBeNull();
    },
  );

  it.runIf(isThere)(
    "revoke-service-account makes an account anew, whose old tokens nobody takes any more",
    { timeout: WAIT },
    async () => {
      await lab.apply(account("ci", { labels: { a: "b" }, imagePullSecrets: [{ name: "reg" }] }));
      const before = await named("serviceaccounts", "ci", "shop");
      const old = createKubernetes({
        kubeconfigText: await lab.asServiceAccount("shop", "ci"),
        context: null,
      });
      const asked = (): Promise<string> =>
        old.reader.pod("shop", "nothing").then(
          () => "answered",
          (error: unknown) => (error instanceof Permanent ? error.message : String(error)),
        );
      // It is known, and may read no pods.
      if (isReal) expect(await asked()).toContain("403");
      const target = { kind: "service-account", cluster: CLUSTER, namespace: "shop", name: "ci" } as const;
      const plan = await planned(revokeServiceAccount, target);
      expect(await applied(revokeServiceAccount, plan)).toEqual({ verdict: "holds", proof: "proved" });
      const after = await named("serviceaccounts", "ci", "shop");
      expect(after?.metadata.uid).not.toBe(before?.metadata.uid);
      expect(after?.metadata.labels).toEqual({ a: "b", [INCIDENT_LABEL]: plan.remediationId });
      expect(Reflect.get(after ?? {}, "imagePullSecrets")).toEqual([{ name: "reg" }]);
      if (isReal) expect(await eventually(asked, (said) => said.includes("401"))).toContain("401");
    },
  );

  it.runIf(isThere)(
    "disable-webhook takes a hook out of the way for objects of namespaces and of the cluster alike",
    { timeout: WAIT },
    async () => {
      const refusing = {
        failurePolicy: "Fail",
        timeoutSeconds: 1,
        clientConfig: { url: "https://127.0.0.1:1/look" },
        rules: [
          {
            apiGroups: ["", "rbac.authorization.k8s.io"],
            apiVersions: ["v1"],
            operations: ["CREATE"],
            resources: ["configmaps", "clusterroles"],
            scope: "*",
          },
        ],
      };
      const name = `x.evil.example.org`;
      const kind = "ValidatingWebhookConfiguration";
      await lab.apply(
        webhooks(kind, "evil", {
          hooks: [
            hook(name, { matchLabels: { odd: "1" } }, refusing),
            hook(`b.${name}`, undefined, refusing),
          ],
        }),
      );
      const map = {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "probe", namespace: "shop", labels: { odd: "1" } },
      };
      const role = {
        apiVersion: "rbac.authorization.k8s.io/v1",
        kind: "ClusterRole",
        metadata: { name: "probe" },
        rules: [],
      };
      const refused = async (): Promise<boolean[]> =>
        isReal ? [(await lab.refusal(map)) !== null, (await lab.refusal(role)) !== null] : [];
      const settles = (wanted: boolean) => eventually(refused, (all) => all.every((one) => one === wanted));
      expect(await settles(true)).not.toContain(false);
      const before = await named("validatingwebhookconfigurations", "evil");
      const target = { kind: "webhook", cluster: CLUSTER, webhookKind: kind, name: "evil" } as const;
      const plan = await planned(disableWebhook, target);
      expect(await applied(disableWebhook, plan)).toEqual({ verdict: "holds", proof: "declared" });
      expect(await marksOf(plan)).toEqual([`${kind} evil`]);
      expect(await settles(false)).not.toContain(true);
      expect(await disableWebhook.revert(plan, ports)).toEqual({ outcome: "restored" });
      expect(await settles(true)).not.toContain(false);
      const after = await named("validatingwebhookconfigurations", "evil");
      expect(Reflect.get(after ?? {}, "webhooks")).toEqual(Reflect.get(before ?? {}, "webhooks"));
      expect(after?.metadata.labels).toEqual(before?.metadata.labels);
      if (isReal) {
        // The selector of namespaces alone would not have done it.
        const none = {
          matchExpressions: [
            { key: "a", operator: "Exists" },
            { key: "a", operator: "DoesNotExist" },
          ],
        };
        await lab.apply(
          webhooks(kind, "evil", { hooks: [hook(name, {}, { ...refusing, namespaceSelector: none })] }),
        );
        expect(
          await eventually(
            () => lab.refusal(map),
            (no) => no === null,
          ),
        ).toBeNull();
        expect(await lab.refusal(role)).toContain("evil.example.org");
      }
      // Nothing is to be held up by it any longer.
      await lab.apply(webhooks(kind, "evil", { hooks: [hook(name)] }));
    },
  );

  it.runIf(isThere)(
    "restrict-service-sources restricts a load balancer's service, and puts back what was there",
    { timeout: WAIT },
    async () => {
      await lab.apply(service("web"));
      const before = await named("services", "web", "shop");
      const target = { kind: "service", cluster: CLUSTER, namespace: "shop", name: "web" } as const;
      for (const parameters of [{}, { ranges: ["203.0.113.0/24", "2001:db8:1::/48"] }]) {
        const plan = await planned(restrictServiceSources, target, parameters);
        expect(await applied(restrictServiceSources, plan)).toEqual({ verdict: "holds", proof: "declared" });
        expect(await marksOf(plan)).toEqual(["Service shop/web"]);
        const held = await named("services", "web", "shop");
        expect(held?.spec?.["loadBalancerSourceRanges"]).toEqual(
          parameters.ranges ?? ["192.0.2.0/32", "2001:db8::/128"],
        );
        expect(held?.metadata.labels?.[INCIDENT_LABEL]).toBe(plan.remediationId);
        expect(await restrictServiceSources.revert(plan, ports)).toEqual({ outcome: "restored" });
        const after = await named("services", "web", "shop");
        expect(after?.spec).toEqual(before?.spec);
        expect(after?.metadata.labels).toEqual(before?.metadata.labels);
      }
      await expect(
        ports.write
          .kubernetes("")
          .admitSources(
            "shop",
            "web",
            { uid: before?.metadata.uid ?? "", resourceVersion: "1" },
            { ranges: null, labels: {} },
          ),
      ).rejects.toThrow("409");
    },
  );

  it.runIf(isThere)(
    "deny-exec keeps everybody out of one pod, and lets them in again",
    { timeout: WAIT },
    async () => {
      const bare = (name: string) => pod(name, { spec: { nodeName: undefined } });
      await lab.apply(bare("closed"), bare("left-open"));
      const target = { kind: "pod", cluster: CLUSTER, namespace: "shop", name: "closed" } as const;
      const plan = await planned(denyExec, target);
      expect(await lab.session("shop", "closed")).not.toContain("reflex-denied-session");
      expect(await applied(denyExec, plan)).toEqual({ verdict: "holds", proof: "declared" });
      expect(await marksOf(plan)).toEqual([`entry shop.closed of ${SESSION_LIST}`]);
      const isDenied = (said: string): boolean => said.includes("reflex-denied-session: shop/closed");
      expect(await eventually(() => lab.session("shop", "closed"), isDenied)).toContain(
        "reflex-denied-session",
      );
      expect(await lab.session("shop", "left-open")).toContain("does not have a host assigned");
      expect(await denyExec.revert(plan, ports)).toEqual({ outcome: "restored" });
      const again = await eventually(
        () => lab.session("shop", "closed"),
        (said) => !isDenied(said),
      );
      expect(again).toContain("does not have a host assigned");
    },
  );

  it.runIf(isThere)("cordon-node cordons a node, and lifts its own cordon", { timeout: WAIT }, async () => {
    await lab.apply({ apiVersion: "v1", kind: "Node", metadata: { name: "n1", labels: { pool: "a" } } });
    const plan = await planned(cordonNode, { kind: "node", cluster: CLUSTER, name: "n1" });
    expect(await applied(cordonNode, plan)).toEqual({ verdict: "holds", proof: "declared" });
    expect(await marksOf(plan)).toEqual(["node n1"]);
    const held = await named("nodes", "n1");
    expect(held?.spec?.["unschedulable"]).toBe(true);
    expect(held?.metadata.labels?.[INCIDENT_LABEL]).toBe(plan.remediationId);
    // The controller of nodes puts taints on it meanwhile: then it is asked again, as the engine does.
    const reverted = await eventually(
      () =>
        cordonNode.revert(plan, ports).catch((error: unknown) => {
          if (error instanceof Retryable) return null;
          throw error;
        }),
      (outcome) => outcome !== null,
    );
    expect(reverted).toEqual({ outcome: "restored" });
    const after = await named("nodes", "n1");
    expect(after?.spec?.["unschedulable"]).toBeUndefined();
    expect(after?.metadata.labels?.["pool"]).toBe("a");
    expect(after?.metadata.labels).not.toHaveProperty(INCIDENT_LABEL);
  });

  it.runIf(isThere).each(["eviction", "delete"] as const)(
    "terminate-pod ends a pod by %s, and that one alone",
    { timeout: WAIT },
    async (by) => {
      const bare = (name: string) => pod(name, { spec: { nodeName: undefined } });
      await lab.apply(bare("ends"), bare("stays"));
      const plan = await planned(
        terminatePod,
        { kind: "pod", cluster: CLUSTER, namespace: "shop", name: "ends" },
        { by },
      );
      expect(await applied(terminatePod, plan)).toEqual({ verdict: "holds", proof: "proved" });
      expect(await named("pods", "ends", "shop")).toBeUndefined();
      expect(await named("pods", "stays", "shop")).toBeDefined();
      await lab.apply(bare("ends"));
      await terminatePod.apply(plan, ports);
      expect(await named("pods", "ends", "shop")).toBeDefined();
    },
  );
});
