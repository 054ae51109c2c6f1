import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { createArm } from "../../src/clients/arm/index.ts";
import { openClusters } from "../../src/clients/clusters.ts";
import { createKubernetes } from "../../src/clients/kubernetes/index.ts";
import { INCIDENT_LABEL } from "../../src/model/incident-mark.ts";
import type { KubernetesReader, KubernetesWriter } from "../../src/model/kubernetes-port.ts";
import { aksId, GOOD } from "../clients/aks/aks-bench.ts";
import { armBench } from "../clients/arm/arm-bench.ts";
import { PLAIN_MEANS } from "../clients/plain-means.ts";
import { BY_COMMAND, outcomeOf } from "../clients/run-command/run-command-bench.ts";
import { manifest, pod } from "../playbooks/cluster-objects.ts";
import { eventually, type Lab, realLab } from "./lab.ts";
import { isRealThere } from "./labs.ts";

/** Who has a real API server has kubectl: it sets the cluster up. */
const KUBECTL = "/usr/bin/kubectl";
const isThere = isRealThere("Run command is not tried on a real API server.") && existsSync(KUBECTL);
const MANIFESTS = [
  "2-blocked-images.yaml",
  "3-block-images.yaml",
  "4-access.yaml",
  "5-pin-identity.yaml",
  "7-pod-rules.yaml",
];
const KEPT = { finalizers: ["example.com/kept"] };

interface Cluster {
  readonly read: KubernetesReader;
  readonly write: KubernetesWriter;
}

const policy = (namespace: string, name: string, labels: Readonly<Record<string, string>>) => ({
  namespace,
  name,
  podLabel: [INCIDENT_LABEL, "r-1"] as const,
  labels,
  annotations: {},
});
const MARKED = { [INCIDENT_LABEL]: "r-1" };

async function stateOf({ read }: Cluster): Promise<{ uid: string; resourceVersion: string }> {
  const found = await read.pod("shop", "web-1");
  if (found === null) throw new Error("no pod");
  return { uid: found.uid, resourceVersion: found.resourceVersion };
}

/** What changes nothing, whoever asks: reads, and what is refused. */
const ACTS: readonly (readonly [name: string, act: (cluster: Cluster) => Promise<unknown>])[] = [
  ["a pod", ({ read }) => read.pod("shop", "web-1")],
  ["a pod that is not there", ({ read }) => read.pod("shop", "none")],
  ["all pods of a namespace", ({ read }) => read.pods("shop")],
  ["groups of the API", ({ read }) => read.apiGroups()],
  ["a kind that is not served", ({ read }) => read.ciliumEndpoint("shop", "web-1")],
  ["the pod rules", ({ read }) => read.podRules()],
  ["a policy of that name again", ({ write }) => write.createDenyAllPolicy(policy("shop", "twice", MARKED))],
  ["a policy without our mark", ({ write }) => write.createDenyAllPolicy(policy("shop", "bare", {}))],
  [
    "a policy where we may not go",
    ({ write }) => write.createDenyAllPolicy(policy("kube-system", "no", MARKED)),
  ],
  [
    "a policy in a namespace that ends",
    ({ write }) => write.createDenyAllPolicy(policy("ending", "no", MARKED)),
  ],
  [
    "a pod of another uid",
    async (c) => c.write.labelPod("shop", "web-1", { ...(await stateOf(c)), uid: "another" }, MARKED),
  ],
  [
    "a pod of another version",
    async (c) => c.write.labelPod("shop", "web-1", { ...(await stateOf(c)), resourceVersion: "1" }, MARKED),
  ],
  [
    "a label that is none",
    async (c) => c.write.labelPod("shop", "web-1", await stateOf(c), { [INCIDENT_LABEL]: "not a label" }),
  ],
  [
    "a policy of another uid is deleted",
    ({ write }) => write.deleteNetworkPolicy("shop", "twice", { uid: "another" }),
  ],
  [
    "a pod is tried",
    async ({ read }) => {
      const rows = await read.tryPods([{ containers: [{ image: "reg.example/shop/web:1" }] }], 1);
      return rows;
    },
  ],
];

describe("run command to a real API server", () => {
  let lab: Lab;
  let direct: Cluster;
  let command: Cluster;
  let stop: () => Promise<void> = () => Promise.resolve();

  beforeAll(async () => {
    if (!isThere) return;
    lab = await realLab();
    const namespaces = ["shop", "ending"].map((name) => ({
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name },
    }));
    await lab.apply(...namespaces, ...manifest("1-namespace.yaml"), ...manifest("1-admission-lists.yaml"));
    // A kind is known a moment after its definition; what the policies say is in force a moment later still.
    for (const file of MANIFESTS) {
      const taken = () =>
        lab.apply(...manifest(file)).then(
          () => true,
          () => false,
        );
      expect(await eventually(taken, (isTaken) => isTaken)).toBe(true);
    }
    const kept = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { namespace: "ending", name: "kept", ...KEPT },
    };
    await lab.apply(pod("web-1"), kept);
    const kubeconfigText = await lab.asServiceAccount("defender-reflex", "defender-reflex");
    const { reader, writer } = createKubernetes({ kubeconfigText, context: null });
    direct = { read: reader, write: writer };
    const { arm, access, credential } = await armBench();
    stop = arm.stop;
    const config: { users: { user: { token: string } }[] } = parse(kubeconfigText);
    const token = config.users[0]?.user.token ?? "";
    arm.documents.setManagedCluster(aksId(), GOOD, JSON.stringify(config));
    arm.commands.pod.kubectl = KUBECTL;
    const ports = openClusters([{ name: "prod", id: aksId(), aliases: [], connect: [BY_COMMAND] }], {
      ...PLAIN_MEANS,
      arm: createArm(access),
      credential: {
        getToken: (scopes) =>
          String(scopes).startsWith("6dae42f8-")
            ? Promise.resolve({ token, expiresOnTimestamp: Date.now() + 3_600_000 })
            : credential.getToken(scopes),
      },
      clock: { now: () => new Date() },
    });
    command = { read: ports.read.kubernetes(aksId()), write: ports.write.kubernetes(aksId()) };
    await direct.write.createDenyAllPolicy(policy("shop", "twice", MARKED));
    lab.remove("namespace", "ending").catch(() => undefined);
    const pinned = () => outcomeOf(direct.write.createDenyAllPolicy(policy("shop", "bare", {})));
    await eventually(pinned, (said) => JSON.stringify(said).includes("Permanent"));
  }, 120_000);
  afterAll(async () => {
    await stop();
    if (isThere) await lab.close();
  });

  it.skipIf(!isThere).each(ACTS)(
    "says the same of %s",
    async (_name, act) => {
      // kubectl names what is wrong once, however often the API server does.
      const once = (outcome: unknown): unknown =>
        JSON.parse(JSON.stringify(outcome ?? null).replaceAll(/(metadata\.labels)(?:, \1)+/g, "$1"));
      const expected = await outcomeOf(act(direct));
      expect(await outcomeOf(act(command))).toEqual(once(expected));
    },
    60_000,
  );

  it.skipIf(!isThere)(
    "changes what is there, once",
    async () => {
      const labelled = await command.write.labelPod("shop", "web-1", await stateOf(command), MARKED);
      expect(labelled.labels).toEqual({ app: "web", ...MARKED });
      const again = await command.write.labelPod("shop", "web-1", labelled, { [INCIDENT_LABEL]: null });
      expect(again.labels).toEqual({ app: "web" });
      const made = await command.write.createDenyAllPolicy(policy("shop", "once", MARKED));
      await command.write.deleteNetworkPolicy("shop", "once", { uid: made.uid });
      expect((await direct.read.networkPolicies("shop")).map(({ name }) => name)).not.toContain("once");
    },
    60_000,
  );
});
