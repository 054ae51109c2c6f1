import { describe, expect, it } from "vitest";
import type { KubernetesStandIn } from "../../local/kubernetes/index.ts";
import { MOST_ENTRIES } from "../../src/model/admission-list.ts";
import { Conflict, Refused } from "../../src/model/errors.ts";
import { HOLD_LIST, OWN_NAMESPACE } from "../../src/model/incident-mark.ts";
import { type Plan, sealPlan } from "../../src/model/plan.ts";
import type { AnyPlaybook } from "../../src/model/playbook.ts";
import { holdWorkload } from "../../src/playbooks/hold-workload.ts";
import { scaleToZero } from "../../src/playbooks/scale-to-zero.ts";
import { node, portsOf } from "./cluster-objects.ts";
import { startCluster } from "./start-cluster.ts";
import { holdListObjects, nightly, running, workloadTarget } from "./workload-objects.ts";

function start(objects: readonly object[], controllers = true) {
  return startCluster([node("n1"), ...holdListObjects(), ...objects], { controllers });
}

type Ports = Awaited<ReturnType<typeof start>>["ports"];

const web = workloadTarget("Deployment", "web");

function propose(
  playbook: AnyPlaybook,
  ports: Ports,
  target: ReturnType<typeof workloadTarget>,
  hold: boolean,
) {
  const parameters = hold ? { hold } : {};
  return playbook.plan({ target, parameters, remediationId: "a-1" }, ports);
}

async function planOf(
  playbook: AnyPlaybook,
  ports: Ports,
  target: ReturnType<typeof workloadTarget> = web,
  hold = false,
): Promise<Plan> {
  const outcome = await propose(playbook, ports, target, hold);
  if (outcome.outcome !== "change") throw new Error(outcome.reason);
  return sealPlan(outcome.draft, { remediationId: "a-1", playbook: playbook.name, target });
}

const entriesOf = (cluster: KubernetesStandIn) =>
  Object.keys(Object(Object(cluster.read("admissionlists", OWN_NAMESPACE, HOLD_LIST)?.["spec"])["entries"]));

async function patch(cluster: KubernetesStandIn, path: string, body: object): Promise<void> {
  const answer = await fetch(`${cluster.url}/apis/apps/v1/namespaces/shop/${path}?fieldManager=an-owner`, {
    method: "PATCH",
    headers: { authorization: "Bearer stand-in-token", "content-type": "application/merge-patch+json" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(await answer.text());
}

const scale = (cluster: KubernetesStandIn, replicas: number) =>
  patch(cluster, "deployments/web", { spec: { replicas } });

describe("holding a workload", () => {
  it("keeps new pods out through scaling and rollouts, leaves what runs, and lets them in again", async () => {
    const { cluster, ports } = await start([running("Deployment", "web"), running("Deployment", "web-api")]);
    const plan = await planOf(holdWorkload, ports);
    await holdWorkload.apply(plan, ports);
    expect(await holdWorkload.verify(plan, ports)).toEqual({ verdict: "holds", proof: "declared" });
    await scale(cluster, 5);
    const mine = () =>
      cluster.readAll("pods").filter(({ metadata }) => /^web-[^-]+-[^-]+$/.test(metadata.name));
    const others = () =>
      cluster.readAll("pods").filter(({ metadata }) => metadata.name.startsWith("web-api-"));
    expect(mine()).toHaveLength(3);
    await patch(cluster, "deployments/web", {
      spec: { template: { metadata: { labels: { rolled: "out" } } } },
    });
    expect(cluster.readAll("replicasets")).toHaveLength(2);
    expect(cluster.read("deployments", "shop", "web")).toMatchObject({
      status: {
        conditions: [{ type: "ReplicaFailure", message: expect.stringContaining("reflex-held-workload") }],
      },
    });
    await patch(cluster, "deployments/web-api", { spec: { replicas: 4 } });
    expect(others()).toHaveLength(4);
    expect(await holdWorkload.revert(plan, ports)).toEqual({ outcome: "restored" });
    expect(entriesOf(cluster)).toEqual([]);
    expect(cluster.readAll("pods")).toHaveLength(9);
  });

  it("holds what stands between by name where its name does not tell whose it is", async () => {
    const { cluster, ports } = await start(nightly());
    const cron = await planOf(holdWorkload, ports, workloadTarget("CronJob", "nightly"));
    expect(cron.data).toEqual({ keys: ["shop_CronJob.batch_nightly", "shop_Job.batch_nightly-29000001"] });

    cluster.seed([running("DeploymentConfig", "dc"), running("Rollout", "ro")]);
    const owner = (kind: string, apiVersion: string, name: string) => ({
      ownerReferences: [
        { apiVersion, kind, name, uid: cluster.read(kind, "shop", name)?.metadata.uid, controller: true },
      ],
    });
    cluster.seed([
      running("ReplicationController", "dc-1", owner("DeploymentConfig", "apps.openshift.io/v1", "dc")),
      running("ReplicaSet", "adopted", owner("Rollout", "argoproj.io/v1alpha1", "ro")),
    ]);
    expect((await planOf(holdWorkload, ports, workloadTarget("DeploymentConfig", "dc"))).data).toEqual({
      keys: ["shop_DeploymentConfig.apps.openshift.io_dc", "shop_ReplicationController_dc-1"],
    });
    expect((await planOf(holdWorkload, ports, workloadTarget("Rollout", "ro"))).data).toEqual({
      keys: ["shop_Rollout.argoproj.io_ro", "shop_ReplicaSet.apps_adopted"],
    });
  });

  it("is partial where something came between while the plan was made", async () => {
    const { cluster, ports } = await start(nightly(), false);
    const plan = await planOf(holdWorkload, ports, workloadTarget("CronJob", "nightly"));
    const uid = cluster.read("cronjobs", "shop", "nightly")?.metadata.uid;
    const owner = { apiVersion: "batch/v1", kind: "CronJob", name: "nightly", uid, controller: true };
    cluster.seed([running("Job", "nightly-2", { ownerReferences: [owner] })]);
    await holdWorkload.apply(plan, ports);
    expect(await holdWorkload.verify(plan, ports)).toEqual({
      verdict: "partial",
      remains: [
        "shop_Job.batch_nightly-2 came up meanwhile, and is not in the list: its pods are not refused.",
      ],
    });
  });

  it("is refused without the operator's manifests", async () => {
    const { cluster } = await startCluster([running("Deployment", "web")]);
    await expect(propose(holdWorkload, portsOf(cluster), web, false)).rejects.toThrow(Refused);
    await expect(propose(scaleToZero, portsOf(cluster), web, true)).rejects.toThrow(Refused);
  });

  it("holds a name as long as the longest", async () => {
    const name = Array.from({ length: 5 }, () => "a".repeat(48)).join(".");
    const { cluster, ports } = await start([running("StatefulSet", name)], false);
    const target = workloadTarget("StatefulSet", name);
    await holdWorkload.apply(await planOf(holdWorkload, ports, target), ports);
    expect(entriesOf(cluster)).toEqual([`shop_StatefulSet.apps_${name}`]);
  });

  it("skips a workload where the list is full, which the API server would not take", async () => {
    const entries = Object.fromEntries(
      Array.from({ length: MOST_ENTRIES }, (_, at) => [`a_Job.batch_${at}`, ""]),
    );
    const list = { apiVersion: "defender-reflex.dev/v1", kind: "AdmissionList", spec: { entries } };
    const full = { ...list, metadata: { name: HOLD_LIST, namespace: OWN_NAMESPACE } };
    const { ports } = await start([full, running("Deployment", "web")], false);
    const skipped = { outcome: "skip", reason: expect.stringContaining("full") };
    expect(await propose(holdWorkload, ports, web, false)).toMatchObject(skipped);
    expect(await propose(scaleToZero, ports, web, true)).toMatchObject(skipped);
  });

  it("takes its entry out although the workload has gone meanwhile", async () => {
    const { cluster, ports } = await start([running("StatefulSet", "web")], false);
    const target = workloadTarget("StatefulSet", "web");
    const plan = await planOf(holdWorkload, ports, target);
    await holdWorkload.apply(plan, ports);
    // Another uid is another object.
    cluster.seed([running("StatefulSet", "web", { uid: "0a0a0a0a-1111-4222-8333-444444444444" })]);
    expect(await holdWorkload.verify(plan, ports)).toMatchObject({ verdict: "holds" });
    expect(await holdWorkload.revert(plan, ports)).toMatchObject({ outcome: "gone" });
    expect(entriesOf(cluster)).toEqual([]);
  });

  it("says that nothing is held once the list has gone", async () => {
    const { cluster, ports } = await start([running("Deployment", "web")]);
    const plan = await planOf(holdWorkload, ports);
    await holdWorkload.apply(plan, ports);
    const lists = `/apis/defender-reflex.dev/v1/namespaces/${OWN_NAMESPACE}/admissionlists`;
    await fetch(`${cluster.url}${lists}/${HOLD_LIST}`, {
      method: "DELETE",
      headers: { authorization: "Bearer stand-in-token" },
    });
    expect(await holdWorkload.verify(plan, ports)).toMatchObject({ verdict: "absent" });
    expect(await holdWorkload.revert(plan, ports)).toMatchObject({
      outcome: "gone",
      reason: expect.stringContaining("nothing is held"),
    });
  });
});

describe("stopping and holding in one plan", () => {
  const plural = ({ path }: { readonly path: string }) => path.split("/").at(-2);
  const written = (cluster: KubernetesStandIn) =>
    cluster.requests.filter(({ method }) => method === "PATCH").map(plural);

  it("holds first and stops second; the number comes back first and the hold goes last", async () => {
    const { cluster, ports } = await start([running("Deployment", "web")]);
    const plan = await planOf(scaleToZero, ports, web, true);
    cluster.clear();
    await scaleToZero.apply(plan, ports);
    expect(written(cluster)).toEqual(["admissionlists", "deployments"]);
    expect(await scaleToZero.verify(plan, ports)).toEqual({ verdict: "holds", proof: "declared" });
    cluster.clear();
    expect(await scaleToZero.revert(plan, ports)).toEqual({ outcome: "restored" });
    expect(written(cluster)).toEqual(["deployments", "admissionlists"]);
    expect(cluster.readAll("pods")).toHaveLength(3);
  });

  it.each(["apply", "revert"] as const)(
    "leaves no pod running wherever %s is cut short, and a rerun ends it",
    async (way) => {
      for (const cut of [0, 1]) {
        const { cluster, ports } = await start([running("Deployment", "web")]);
        const plan = await planOf(scaleToZero, ports, web, true);
        if (way === "revert") await scaleToZero.apply(plan, ports);
        cluster.clear();
        const writer = ports.write.kubernetes("");
        let left = cut;
        const cutShort =
          <A extends unknown[], R>(write: (...of: A) => Promise<R>) =>
          (...of: A): Promise<R> => {
            left -= 1;
            return left < 0 ? Promise.reject(new Error("the process ended")) : write(...of);
          };
        const changeWorkload = cutShort(writer.changeWorkload);
        const changeHoldList = cutShort(writer.changeHoldList);
        const dying = {
          ...ports,
          write: { kubernetes: () => ({ ...writer, changeWorkload, changeHoldList }) },
        };
        await expect(scaleToZero[way](plan, dying)).rejects.toThrow("the process ended");
        if (way === "revert") expect(cluster.readAll("pods")).toEqual([]);
        await scaleToZero[way](plan, ports);
        expect(cluster.readAll("pods")).toHaveLength(way === "apply" ? 0 : 3);
        expect(entriesOf(cluster)).toEqual(way === "apply" ? ["shop_Deployment.apps_web"] : []);
      }
    },
  );

  it("gives whoever starts it again no pods, and they come with the release", async () => {
    const { cluster, ports } = await start([running("Deployment", "web")]);
    const plan = await planOf(scaleToZero, ports, web, true);
    await scaleToZero.apply(plan, ports);
    await scale(cluster, 3);
    expect(cluster.readAll("pods")).toEqual([]);
    expect(await scaleToZero.verify(plan, ports)).toMatchObject({
      verdict: "absent",
      reason: expect.stringMatching(/^Deployment shop\/web wants 3 pods \(set by an-owner at /),
    });
    expect(await scaleToZero.revert(plan, ports)).toEqual({ outcome: "restored" });
    expect(cluster.readAll("pods")).toHaveLength(3);
  });

  it("releases the hold, which is ours, also where the number is somebody else's by now", async () => {
    const { cluster, ports } = await start([running("Deployment", "web")]);
    const plan = await planOf(scaleToZero, ports, web, true);
    await scaleToZero.apply(plan, ports);
    await scale(cluster, 5);
    for (let time = 0; time < 2; time += 1) {
      await expect(scaleToZero.revert(plan, ports)).rejects.toThrow(Conflict);
      expect(entriesOf(cluster)).toEqual([]);
    }
    expect(cluster.readAll("pods")).toHaveLength(5);
  });
});
