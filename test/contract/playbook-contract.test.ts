import { describe, expect, it } from "vitest";
import type { KubernetesStandIn, PolicyRule, RecordedRequest } from "../../local/kubernetes/index.ts";
import { resources } from "../../local/kubernetes/resource-table.ts";
import { Conflict, Retryable } from "../../src/model/errors.ts";
import { type Plan, sealPlan } from "../../src/model/plan.ts";
import type { AnyPlaybook, KubernetesPermission, WritePorts } from "../../src/model/playbook.ts";
import { enginePermissions } from "../../src/playbooks/base-permissions.ts";
import { playbooks } from "../../src/playbooks/index.ts";
import { CLUSTER, evidenceOf, portsOf, readPortsOf } from "../playbooks/cluster-objects.ts";
import { startCluster } from "../playbooks/start-cluster.ts";
import { REMEDIATION, type Scenario, scenarios } from "./playbook-scenarios.ts";

describe("the list of playbooks", () => {
  it("has a scenario for every playbook, and a playbook for every scenario", () => {
    const names = new Set(playbooks.map(({ name }) => name));
    expect(new Set(scenarios.map(({ playbook }) => playbook))).toEqual(names);
    expect(names.size).toBe(playbooks.length);
  });
});

describe.each(playbooks.map((playbook) => ({ playbook, name: playbook.name })))("$name", ({ playbook }) => {
  const own = scenarios.filter((scenario) => scenario.playbook === playbook.name);

  it("says what a user notices, and declares each right once", () => {
    expect(playbook.impact).toMatch(/^[A-Z].*\.$/);
    const rights = playbook.permissions.kubernetes.flatMap(rightsOf);
    expect(new Set(rights).size).toBe(rights.length);
  });

  it("uses exactly the rights that it declares", async () => {
    const used = new Set<string>();
    for (const scenario of own) {
      // Whatever is not declared is answered with 403 here, names and namespaces included.
      const cluster = await start(scenario.objects, playbook.permissions.kubernetes.map(ruleOf));
      const plan = await planOf(playbook, scenario, cluster);
      const ports = portsOf(cluster);
      await playbook.apply(plan, ports);
      await playbook.verify(plan, ports);
      await playbook.revert(plan, ports);
      for (const request of cluster.requests) {
        for (const right of rightsUsed(request)) used.add(right);
      }
    }
    expect([...used].sort()).toEqual(playbook.permissions.kubernetes.flatMap(rightsOf).sort());
  });

  describe.each(own)("$name", (scenario) => {
    it("plans with reads only, and twice the same", async () => {
      const cluster = await start(scenario.objects);
      const first = await planOf(playbook, scenario, cluster);
      const second = await planOf(playbook, scenario, cluster);
      expect(cluster.requests.filter(({ method }) => method !== "GET")).toEqual([]);
      expect(cluster.effects).toEqual([]);
      expect(second).toEqual(first);
      expect(first.steps.every(({ touches }) => touches.length > 0)).toBe(true);
    });

    it("makes a plan that survives storage", async () => {
      const plan = await planOf(playbook, scenario, await start(scenario.objects));
      expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
    });

    it("changes once, however often it is applied", async () => {
      const cluster = await start(scenario.objects);
      const plan = await planOf(playbook, scenario, cluster);
      await playbook.apply(plan, portsOf(cluster));
      const effects = effectsOf(cluster, playbook);
      await playbook.apply(plan, portsOf(cluster));
      expect(effectsOf(cluster, playbook)).toBe(effects);
      expect(effects).toBe(isInert(plan) ? 0 : (scenario.writes ?? expectedWrites(plan)));
    });

    it("verifies as absent before and as held after", async () => {
      const cluster = await start(scenario.objects);
      const plan = await planOf(playbook, scenario, cluster);
      const before = await playbook.verify(plan, readPortsOf(cluster));
      await playbook.apply(plan, portsOf(cluster));
      const after = await playbook.verify(plan, readPortsOf(cluster));
      expect(before.verdict).toBe(isInert(plan) ? "holds" : "absent");
      expect(after.verdict).toBe("holds");
    });

    it("does not believe a server that says 200 and changes nothing", async () => {
      const cluster = await start(scenario.objects);
      const plan = await planOf(playbook, scenario, cluster);
      for (const method of ["POST", "PATCH", "DELETE"]) {
        cluster.faults.add({ match: { method }, times: 9, answer: { kind: "not-done" } });
      }
      const [applied] = await Promise.allSettled([playbook.apply(plan, keepingNothing(portsOf(cluster)))]);
      // Some of these answers give themselves away at once; the others are found by reading back.
      expect([undefined, expect.any(Retryable)]).toContainEqual(Reflect.get(applied, "reason"));
      const { verdict } = await playbook.verify(plan, readPortsOf(cluster));
      expect(verdict).toBe(isInert(plan) ? "holds" : "absent");
    });

    it("leaves no mark that the daily search does not find with the rights of this playbook alone", async () => {
      const rights = [...playbook.permissions.kubernetes, ...enginePermissions([playbook])];
      const cluster = await start(scenario.objects, rights.map(ruleOf));
      const plan = await planOf(playbook, scenario, cluster);
      const ports = portsOf(cluster);
      await playbook.apply(plan, ports);
      const found = (await ports.read.kubernetes(CLUSTER).marked()).filter(
        ({ remediationId }) => remediationId === REMEDIATION,
      );
      const left = marksIn(cluster);
      expect(found.map(({ object }) => object.replace(/^(?!entry ).* /, "")).sort()).toEqual(left);
      if (playbook.reversible && !isInert(plan)) expect(left).not.toEqual([]);
    });

    if (isForGood(playbook)) {
      it("changes nothing when it is asked to take back what is for good, and does not call it restored", async () => {
        const cluster = await start(scenario.objects);
        const plan = await planOf(playbook, scenario, cluster);
        const before = stateOf(cluster);
        await playbook.apply(plan, portsOf(cluster));
        expect(stateOf(cluster)).not.toBe(before);
        await mustLeaveIt(playbook, plan, cluster);
      });
    } else {
      it("restores what was there, and may be asked to twice", async () => {
        const cluster = await start(scenario.objects);
        const before = stateOf(cluster);
        const plan = await planOf(playbook, scenario, cluster);
        await playbook.apply(plan, portsOf(cluster));
        expect(stateOf(cluster) === before).toBe(isInert(plan));
        expect(await playbook.revert(plan, portsOf(cluster))).toEqual({ outcome: "restored" });
        expect(stateOf(cluster)).toBe(before);
        cluster.clear();
        expect(await playbook.revert(plan, portsOf(cluster))).toEqual({ outcome: "restored" });
        expect(cluster.effects).toEqual([]);
      });
    }

    it("restores nothing where nothing was done", async () => {
      const cluster = await start(scenario.objects);
      const before = stateOf(cluster);
      const plan = await planOf(playbook, scenario, cluster);
      await playbook.revert(plan, portsOf(cluster));
      expect(stateOf(cluster)).toBe(before);
    });

    it("finds its own change where the answer to a write of it was lost", async () => {
      const { applying, reverting } = await writesOf(playbook, scenario);
      for (const lost of indices(applying)) {
        const cluster = await start(scenario.objects);
        const plan = await planOf(playbook, scenario, cluster);
        loseAnswer(cluster, applying, lost);
        await expect(playbook.apply(plan, portsOf(cluster))).rejects.toThrow(Retryable);
        await playbook.apply(plan, portsOf(cluster));
        expect((await playbook.verify(plan, readPortsOf(cluster))).verdict).toBe("holds");
        expect(cluster.effects.length).toBe(applying.length);
      }
      for (const lost of indices(reverting)) {
        const cluster = await start(scenario.objects);
        const before = stateOf(cluster);
        const plan = await planOf(playbook, scenario, cluster);
        await playbook.apply(plan, portsOf(cluster));
        loseAnswer(cluster, reverting, lost);
        await expect(playbook.revert(plan, portsOf(cluster))).rejects.toThrow(Retryable);
        expect(await playbook.revert(plan, portsOf(cluster))).toEqual({ outcome: "restored" });
        expect(stateOf(cluster)).toBe(before);
      }
      // Evidence is written elsewhere: its own tests lose those answers.
      expect(applying.length + reverting.length > 0).toBe(
        playbook.kind !== "notification" && playbook.kind !== "evidence",
      );
    });

    if (scenario.vanished !== null) {
      const { vanished } = scenario;
      it("skips a target that has gone, and says so", async () => {
        const outcome = await propose(playbook, scenario, await start(vanished));
        expect(outcome).toMatchObject({ outcome: "skip", reason: expect.stringContaining("gone") });
      });

      it("applies nothing to a target that went or came back as another after the plan", async () => {
        const plan = await planOf(playbook, scenario, await start(scenario.objects));
        for (const objects of [vanished, scenario.objects]) {
          const cluster = await start(objects);
          if (playbook.kind === "evidence") {
            // What is left of it is kept, without a word of whoever bears the name now.
            await playbook.apply(plan, portsOf(cluster));
            expect(await playbook.verify(plan, readPortsOf(cluster))).toMatchObject({ verdict: "partial" });
            expect(cluster.effects).toEqual([]);
            continue;
          }
          if (isForGood(playbook)) {
            // What was to end has ended: that is all it wanted, and whoever bears the name now is left alone.
            await playbook.apply(plan, portsOf(cluster));
            const verdict = objects === vanished ? "holds" : (scenario.again ?? "holds");
            expect(await playbook.verify(plan, readPortsOf(cluster))).toMatchObject({ verdict });
            await mustLeaveIt(playbook, plan, cluster);
            continue;
          }
          await expect(playbook.apply(plan, portsOf(cluster))).rejects.toThrow(Conflict);
          expect(await playbook.revert(plan, portsOf(cluster))).toMatchObject({ outcome: "gone" });
          expect(await playbook.verify(plan, readPortsOf(cluster))).toMatchObject({ verdict: "absent" });
          expect(cluster.effects).toEqual([]);
        }
      });
    }

    if (scenario.foreign !== null) {
      const { foreign } = scenario;
      it("neither undoes nor does over what somebody else made of the touched fields", async () => {
        const cluster = await start(scenario.objects);
        const plan = await planOf(playbook, scenario, cluster);
        await playbook.apply(plan, portsOf(cluster));
        cluster.seed(foreign);
        const state = stateOf(cluster);
        cluster.clear();
        const refusals = await Promise.allSettled([
          playbook.revert(plan, portsOf(cluster)),
          playbook.apply(plan, portsOf(cluster)),
        ]);
        for (const refusal of refusals) {
          expect(refusal).toMatchObject({ status: "rejected", reason: expect.any(Conflict) });
          expect(refusal).toMatchObject({ reason: { remains: [expect.any(String)] } });
        }
        expect(stateOf(cluster)).toBe(state);
        expect(cluster.effects).toEqual([]);
        expect((await playbook.verify(plan, readPortsOf(cluster))).verdict).toBe("absent");
      });
    }
  });
});

async function start(objects: readonly object[], rules?: readonly PolicyRule[]): Promise<KubernetesStandIn> {
  return (await startCluster(objects, { rules })).cluster;
}

function propose(playbook: AnyPlaybook, { target, parameters }: Scenario, cluster: KubernetesStandIn) {
  return playbook.plan({ target, parameters, remediationId: REMEDIATION }, readPortsOf(cluster));
}

async function planOf(playbook: AnyPlaybook, scenario: Scenario, cluster: KubernetesStandIn): Promise<Plan> {
  const outcome = await propose(playbook, scenario, cluster);
  if (outcome.outcome !== "change") {
    throw new Error(`${scenario.name}: ${outcome.reason}`);
  }
  const { target } = scenario;
  return sealPlan(outcome.draft, { remediationId: REMEDIATION, playbook: playbook.name, target });
}

/** How much it changed: objects of the cluster, or for evidence the one list that ends what it keeps. */
function effectsOf(cluster: KubernetesStandIn, { kind }: AnyPlaybook): number {
  if (kind !== "evidence") return cluster.effects.length;
  expect(cluster.effects).toEqual([]);
  return [...evidenceOf(cluster).files.keys()].filter((name) => name.endsWith("/manifest.json")).length;
}

/** The same, but where evidence goes nothing is kept, and success is said. */
function keepingNothing({ read, write }: WritePorts): WritePorts {
  const { evidence } = write;
  if (evidence === undefined) return { read, write };
  return { read, write: { ...write, evidence: { ...evidence, put: () => Promise.resolve("kept") } } };
}

/** Everything stored, but for what the server counts by itself and what controllers make of it. */
function stateOf(cluster: KubernetesStandIn): string {
  const kinds = [
    "nodes",
    "networkpolicies",
    "ciliumnetworkpolicies",
    "adminnetworkpolicies",
    "networkpolicies.projectcalico.org",
    "configmaps",
    "admissionlists",
    "deployments",
    "statefulsets",
    "replicasets",
    "daemonsets",
    "jobs",
    "cronjobs",
    "replicationcontrollers",
    "deploymentconfigs",
    "rollouts",
    "scaledobjects",
    "rolebindings",
    "clusterrolebindings",
    "serviceaccounts",
    "validatingwebhookconfigurations",
    "mutatingwebhookconfigurations",
    "services",
  ];
  const ownerless = cluster.readAll("pods").filter(({ metadata }) => !metadata["ownerReferences"]);
  const objects = [...ownerless, ...kinds.flatMap((kind) => cluster.readAll(kind))];
  const kept = [...evidenceOf(cluster).files.keys()].join();
  return (
    kept +
    JSON.stringify(
      objects.map(({ status: _status, data = {}, metadata, ...others }) => {
        const {
          resourceVersion: _version,
          generation: _generation,
          managedFields: _fields,
          ...kept
        } = metadata;
        // With it the API server counts a DaemonSet's templates.
        const { "deprecated.daemonset.template.generation": _templates, ...annotations } = Object(
          kept["annotations"],
        );
        // An empty map and none are the same to the API server, and to the policies that read a list.
        const { spec, ...withoutSpec } = others;
        const rest = isEmptyList(others) ? withoutSpec : { ...withoutSpec, spec };
        return { ...rest, data, metadata: { ...kept, annotations } };
      }),
      null,
      1,
    )
  );
}

/** Whatever bears the mark of this remediation, of every kind that there is: where it is, or which entry it is. */
function marksIn(cluster: KubernetesStandIn): string[] {
  const objects = resources.flatMap(({ plural, group }) =>
    cluster.readAll(group === "" ? plural : `${plural}.${group}`),
  );
  return objects
    .flatMap(({ metadata: { name, namespace, labels }, spec, data }) => {
      const { entries = {} } = Object(spec);
      const keys = Object.entries({ ...Object(entries), ...Object(data) }).filter(([, value]) =>
        String(value).includes(REMEDIATION),
      );
      // By whatever label of ours, which all begin alike.
      const isMarked = Object.entries(Object(labels)).some(
        ([key, value]) => key.startsWith("defender-reflex.dev/") && value === REMEDIATION,
      );
      const place = namespace === undefined ? name : `${namespace}/${name}`;
      return [...(isMarked ? [String(place)] : []), ...keys.map(([key]) => `entry ${key} of ${name}`)];
    })
    .sort();
}

/** One of our own lists that holds nothing? */
function isEmptyList({ kind, spec }: { readonly kind?: unknown; readonly spec?: unknown }): boolean {
  return kind === "AdmissionList" && ["{}", '{"entries":{}}', undefined].includes(JSON.stringify(spec));
}

/** Does it change what nobody can restore? */
function isForGood({ reversible, kind }: AnyPlaybook): boolean {
  return !reversible && kind !== "notification";
}

/** Taking back what cannot be taken back changes nothing, however often it is asked for, and does not call it restored. */
async function mustLeaveIt(playbook: AnyPlaybook, plan: Plan, cluster: KubernetesStandIn): Promise<void> {
  cluster.clear();
  for (let time = 0; time < 2; time++) {
    expect(await playbook.revert(plan, portsOf(cluster))).toMatchObject({ outcome: "gone" });
  }
  expect(cluster.effects).toEqual([]);
}

function isInert(plan: Plan): boolean {
  return plan.steps.length === 0;
}

/** Entries of one list are written together; every other step is one write. */
function expectedWrites(plan: Plan): number {
  return new Set(plan.steps.flatMap(({ touches }) => touches.map((field) => field.split("#")[0]))).size;
}

type Request = Pick<RecordedRequest, "method" | "path">;

async function writesOf(playbook: AnyPlaybook, scenario: Scenario) {
  const cluster = await start(scenario.objects);
  const plan = await planOf(playbook, scenario, cluster);
  const writes = () => cluster.requests.filter(({ method }) => method !== "GET");
  await playbook.apply(plan, portsOf(cluster));
  const applying: readonly Request[] = writes();
  cluster.clear();
  await playbook.revert(plan, portsOf(cluster));
  return { applying, reverting: writes() };
}

function indices(list: readonly unknown[]): number[] {
  return list.map((_, index) => index);
}

/** Has the answer to the n-th of these writes lost, after it was done. */
function loseAnswer(cluster: KubernetesStandIn, writes: readonly Request[], nth: number): void {
  const { method = "", path = "" } = writes[nth] ?? {};
  const before = writes.slice(0, nth).filter((write) => write.method === method && write.path === path);
  if (before.length > 0) {
    // A fault that does no harm, so that the next one meets the n-th write.
    cluster.faults.add({
      match: { method, path },
      times: before.length,
      answer: { kind: "delay", milliseconds: 0 },
    });
  }
  cluster.faults.add({ match: { method, path }, answer: { kind: "lost-answer" } });
}

function ruleOf(permission: KubernetesPermission): PolicyRule {
  const { apiGroup, resource, verbs, resourceNames, namespace } = permission;
  return {
    apiGroups: [apiGroup],
    resources: [resource],
    verbs,
    resourceNames,
    namespaces: namespace === undefined ? undefined : [namespace],
  };
}

function rightsOf({ apiGroup, resource, verbs }: KubernetesPermission): string[] {
  return verbs.map((verb) => `${verb} ${apiGroup}/${resource}`);
}

/** Calico's API server asks for more beside: for the tier, and for the right to policies of a tier. */
function rightsUsed(request: Request): readonly string[] {
  const right = rightUsed(request);
  const [verb = "", kind = ""] = right.split(" projectcalico.org/");
  if (!kind.endsWith("networkpolicies")) return [right];
  return [right, `${verb} projectcalico.org/tier.${kind}`, "get projectcalico.org/tiers"];
}

function rightUsed({ method, path }: { readonly method: string; readonly path: string }): string {
  const [, group = "", rest = ""] =
    /^\/(?:api|apis\/([^/]+))\/v\d[a-z\d]*\/(?:namespaces\/[^/]+\/)?(.+)$/.exec(path) ?? [];
  const [resource = "", name, subresource] = rest.split("/");
  const verbs: Record<string, string> = {
    GET: name === undefined ? "list" : "get",
    POST: "create",
    PATCH: "patch",
    DELETE: name === undefined ? "deletecollection" : "delete",
  };
  return `${verbs[method]} ${group}/${resource}${subresource === undefined ? "" : `/${subresource}`}`;
}
