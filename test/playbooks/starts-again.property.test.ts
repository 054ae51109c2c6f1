import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FIELD_MANAGER } from "../../src/model/incident-mark.ts";
import { WORKLOAD_KINDS } from "../../src/model/kubernetes-objects.ts";
import { type Autoscaler, STOP_FIELDS, type WorkloadState } from "../../src/model/workload-state.ts";
import { FLUX_PAUSE, startsAgain } from "../../src/playbooks/starts-again.ts";
import { stopPath } from "../../src/playbooks/stop-change.ts";

const FLUX = { "kustomize.toolkit.fluxcd.io/name": "shop", "kustomize.toolkit.fluxcd.io/namespace": "apps" };
const HELM = { "helm.toolkit.fluxcd.io/name": "shop", "helm.toolkit.fluxcd.io/namespace": "apps" };
const TRACKED = { "argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web" };

const web: WorkloadState = {
  kind: "Deployment",
  namespace: "shop",
  name: "web",
  uid: "u",
  resourceVersion: "1",
  labels: {},
  annotations: {},
  createdAt: "2026-01-01T00:00:00.000Z",
  deleting: false,
  controller: null,
  managers: [],
  replicas: 3,
  selector: null,
  templateLabels: {},
  priorityClass: null,
  claimsWhenScaled: null,
  stop: 3,
  present: 3,
  ended: false,
};

const setBy = (name: string, kind: WorkloadState["kind"] = "Deployment") =>
  ({ name, operation: "Apply", at: null, fields: [[...stopPath(kind)]] }) as const;
const scaler = (name: string, more: Partial<Autoscaler> = {}): Autoscaler => ({
  name,
  labels: {},
  target: { kind: "Deployment", name: "web" },
  least: 1,
  most: 9,
  ...more,
});
const one = (workload: Partial<WorkloadState>, ...autoscalers: Autoscaler[]) =>
  startsAgain({ ...web, ...workload }, autoscalers);

describe("who starts a workload again", () => {
  it("is nobody where nobody is known", () => {
    expect(one({})).toEqual([]);
    expect(one({}, scaler("other", { target: { kind: "StatefulSet", name: "web" } }))).toEqual([]);
    expect(one({ managers: [setBy("kube-controller-manager"), setBy(FIELD_MANAGER)] })).toEqual([]);
  });

  it.each<[string, readonly unknown[], RegExp]>([
    [
      "an autoscaler, which respects zero",
      one({}, scaler("web", { least: 2 })),
      /^HorizontalPodAutoscaler web leaves a workload at zero alone/,
    ],
    [
      "an autoscaler that may go to zero by itself",
      one({}, scaler("web", { least: 0 })),
      /may go to zero by itself, and from there up again/,
    ],
    [
      "KEDA, by the name of its autoscaler",
      one({}, scaler("keda-hpa-queue")),
      /^KEDA's ScaledObject queue starts it again.*paused-replicas: "0"/,
    ],
    [
      "KEDA, by the label",
      one({}, scaler("x", { labels: { "scaledobject.keda.sh/name": "queue" } })),
      /^KEDA's ScaledObject queue /,
    ],
    [
      "Argo CD that set the field",
      one({ annotations: TRACKED, managers: [setBy("argocd-controller")] }),
      /^Argo CD application shop starts it again within seconds/,
    ],
    [
      "Argo CD by its label",
      one({ labels: { "app.kubernetes.io/instance": "shop" }, managers: [setBy("argocd-controller")] }),
      /^Argo CD application shop starts/,
    ],
    [
      "Argo CD that did not set it",
      one({ annotations: TRACKED }),
      /^Argo CD application shop manages it, and did not set/,
    ],
    [
      "a Kustomization that set the field",
      one({ labels: FLUX, managers: [setBy("kustomize-controller")] }),
      /^Flux Kustomization apps\/shop would start it again, and leaves it alone while/,
    ],
    [
      "one that did not set it",
      one({ labels: FLUX }),
      /^Flux Kustomization apps\/shop manages it, and did not set/,
    ],
    [
      "one that is paused",
      one({
        labels: FLUX,
        managers: [setBy("kustomize-controller")],
        annotations: { [FLUX_PAUSE[0]]: FLUX_PAUSE[1] },
      }),
      /leaves it alone already/,
    ],
    [
      "a HelmRelease that set the field",
      one({ labels: HELM, managers: [setBy("helm-controller")] }),
      /^Flux HelmRelease apps\/shop starts it again with its next upgrade/,
    ],
    ["a HelmRelease that did not", one({ labels: HELM }), /^Flux HelmRelease apps\/shop manages it/],
    [
      "an operator that owns it",
      one({ controller: { apiVersion: "a.example/v1", kind: "Shop", name: "s", uid: "o" } }),
      /^Its owner, Shop s, may start it again\.$/,
    ],
    [
      "an operator that set the field",
      one({ managers: [setBy("shop-operator")] }),
      /^shop-operator set what is changed here, and may do so again\.$/,
    ],
  ])("is %s", (_what, found, limit) => {
    expect(found).toMatchObject([{ limit: expect.stringMatching(limit) }]);
  });

  it("is no Argo CD application of an id that was copied from another object", () => {
    for (const id of ["shop:apps/Deployment:shop/other", "shop:apps/ReplicaSet:shop/web", "shop", ""]) {
      expect(one({ annotations: { "argocd.argoproj.io/tracking-id": id } })).toEqual([]);
    }
  });

  const key = fc.constantFrom(
    ...Object.keys({ ...FLUX, ...HELM, ...TRACKED }),
    FLUX_PAUSE[0],
    "__proto__",
    "constructor",
  );
  const map = fc
    .array(fc.tuple(key, fc.constantFrom("", "shop", "disabled", "shop:apps/Deployment:shop/web", "a/b:c")))
    .map((entries) => Object.fromEntries(entries));
  const name = fc.constantFrom(
    "",
    "kustomize-controller",
    "helm-controller",
    "argocd-controller",
    "kubectl",
    FIELD_MANAGER,
    "keda-operator",
  );
  const managers = fc.array(
    fc.record({
      name,
      operation: fc.constantFrom("Apply" as const, "Update" as const),
      at: fc.constant(null),
      fields: fc.array(
        fc.constantFrom(["spec", "replicas"], ["spec", "suspend"], ["spec"], [], ["metadata", "labels", "a"]),
      ),
    }),
    { maxLength: 5 },
  );
  const workload = fc
    .record({ kind: fc.constantFrom(...WORKLOAD_KINDS), labels: map, annotations: map, managers })
    .map((some): WorkloadState => ({ ...web, ...some }));

  it("is told in one sentence each, by name, and pauses only Flux that set the very field", () => {
    let paused = 0;
    fc.assert(
      fc.property(workload, (some) => {
        for (const { who, limit, pause } of startsAgain(some, [])) {
          expect(who).not.toBe("");
          expect(limit).toMatch(/^[^\s].*\.$/s);
          if (pause === null) continue;
          paused += 1;
          const path = stopPath(some.kind).join();
          expect(pause).toEqual(FLUX_PAUSE);
          expect(
            some.managers.some(
              (one) =>
                one.name === "kustomize-controller" &&
                one.fields.some((field) => field.join().startsWith(path)),
            ),
          ).toBe(true);
          expect(some.annotations[FLUX_PAUSE[0]]).not.toBe(FLUX_PAUSE[1]);
        }
      }),
      { numRuns: 1_000 },
    );
    expect(paused).toBeGreaterThan(10);
  });

  it("does not depend on the order of what the cluster recorded", () => {
    fc.assert(
      fc.property(workload, (some) => {
        const tools = (of: WorkloadState) =>
          startsAgain(of, [])
            .map(({ limit }) => limit)
            .toSorted();
        expect(tools({ ...some, managers: some.managers.toReversed() })).toEqual(tools(some));
      }),
    );
  });

  it("never names us, whatever field we set before", () => {
    fc.assert(
      fc.property(fc.constantFrom(...WORKLOAD_KINDS), (kind) => {
        expect(STOP_FIELDS[kind]).toBeDefined();
        expect(startsAgain({ ...web, kind, managers: [setBy(FIELD_MANAGER, kind)] }, [])).toEqual([]);
      }),
    );
  });
});
