import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { INCIDENT_LABEL } from "../../src/model/incident-mark.ts";
import type { Remediation } from "../../src/model/remediation.ts";
import { buildApp, samplesOnly, start, temporaryFolder } from "../local/start/start-process.ts";
import { eventually, type Lab, realLab } from "./lab.ts";
import { isRealThere } from "./labs.ts";

const isThere = isRealThere("The story of a miner is not told.");

const root = fileURLToPath(new URL("../..", import.meta.url));
const IMAGE = "acrshop.azurecr.io/shop/web:2.3.1";
const DIGEST = `sha256:${"4f".repeat(32)}`;
const SAMPLE_POD = "web-7d9c5b6f48-k2x9p";

/**
 * What the cluster is like before: a workload, a node, the agents of an engine of network policies (without one nothing
 * is isolated), and somebody else's policy that lets the workload's pods be reached.
 */
const OBJECTS = [
  { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } },
  { apiVersion: "v1", kind: "Node", metadata: { name: "n1" } },
  {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name: "azure-npm", namespace: "kube-system" },
    spec: {
      selector: { matchLabels: { app: "azure-npm" } },
      template: {
        metadata: { labels: { app: "azure-npm" } },
        spec: { containers: [{ name: "agent", image: "mcr.example/azure-npm:1" }] },
      },
    },
  },
  {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", namespace: "shop", labels: { app: "web" } },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: "web" } },
      template: {
        metadata: { labels: { app: "web", tier: "front" } },
        spec: { containers: [{ name: "web", image: IMAGE }] },
      },
    },
  },
  {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name: "allow-web", namespace: "shop" },
    spec: {
      podSelector: { matchLabels: { tier: "front" } },
      policyTypes: ["Ingress"],
      ingress: [{ ports: [{ port: 80 }] }],
    },
  },
];

interface Kept {
  readonly metadata: { readonly name: string; readonly labels?: object; readonly annotations?: object };
  readonly spec?: { readonly entries?: object };
}

/** What the operator guide tells an administrator to do at the first time, one command each. */
function installation(): string[][] {
  const guide = readFileSync(join(root, "docs/operator-guide.md"), "utf8");
  const [, commands = ""] = /\n## A cluster\n.*?```sh\n(.*?)```/s.exec(guide) ?? [];
  return commands
    .trim()
    .split("\n")
    .map((line) => line.split(" "));
}

describe.skipIf(!isThere)("npm start -- --kubeconfig FILE --mode enforce", () => {
  let lab: Lab;
  let admin = "";
  const kubectl = (args: readonly string[], input = ""): Promise<string> =>
    run("kubectl", [`--kubeconfig=${admin}`, `--cache-dir=${admin}.cache`, ...args], input);

  async function install(): Promise<void> {
    const commands = installation();
    expect(commands).not.toEqual([]);
    for (const [program, ...args] of commands) {
      expect(program).toBe("kubectl");
      await kubectl(args);
    }
  }

  beforeAll(async () => {
    buildApp();
    lab = await realLab();
  }, 120_000);
  afterAll(() => lab?.close());

  /** Plays the kubelet: a pod of the Deployment that runs on the node, as kubectl tells. */
  async function runningPod(): Promise<string> {
    const pods = await eventually(
      () => lab.list("pods", "shop"),
      (all) => all.length === 3,
    );
    for (const { metadata } of pods) {
      const target = { apiVersion: "v1", kind: "Node", name: "n1" };
      const binding = { apiVersion: "v1", kind: "Binding", metadata: { name: metadata.name }, target };
      await kubectl(
        ["create", "--raw", `/api/v1/namespaces/shop/pods/${metadata.name}/binding`, "-f", "-"],
        JSON.stringify(binding),
      );
      const status = {
        phase: "Running",
        podIP: "10.1.0.7",
        podIPs: [{ ip: "10.1.0.7" }],
        conditions: [{ type: "Ready", status: "True" }],
        containerStatuses: [
          {
            name: "web",
            image: IMAGE,
            imageID: `acrshop.azurecr.io/shop/web@${DIGEST}`,
            ready: true,
            started: true,
            restartCount: 0,
            state: { running: {} },
          },
        ],
      };
      const patch = JSON.stringify({ status });
      await kubectl([
        ...["--namespace=shop", "patch", "pod", metadata.name],
        ...["--subresource=status", "--type=merge", "-p", patch],
      ]);
    }
    const [one] = pods;
    if (one === undefined) throw new Error("There is no pod.");
    return one.metadata.name;
  }

  /** What must be as it was, in the words of the API server. */
  async function state(pod: string): Promise<string> {
    const kept = async (...args: readonly string[]): Promise<Kept> =>
      JSON.parse(await kubectl(["get", ...args, "-o", "json"]));
    const { metadata, spec } = await kept("pod", pod, "--namespace=shop");
    const policies = (await lab.list("networkpolicies")).map((policy) => [
      policy.metadata.name,
      policy.metadata.uid,
      policy.spec,
    ]);
    const list = await kept("admissionlist", "reflex-blocked-images", "--namespace=defender-reflex");
    const { labels, annotations } = metadata;
    const entries = list.spec?.entries ?? {};
    return JSON.stringify({ labels, annotations, spec, policies, entries }, null, 1);
  }

  it("isolates the pod of the miner, keeps evidence, blocks its image, tells, and takes all back byte for byte", async () => {
    const folder = await temporaryFolder();
    admin = join(folder, "admin.kubeconfig");
    writeFileSync(admin, lab.kubeconfigText);
    await install();
    await lab.apply(...OBJECTS);
    const pod = await runningPod();
    const before = await state(pod);

    // The app has the rights of the manifest, and no others.
    const kubeconfig = join(folder, "app.kubeconfig");
    writeFileSync(kubeconfig, await lab.asServiceAccount("defender-reflex", "defender-reflex"));
    const samples = await samplesOnly("12-");
    const sample = join(samples, "events/12-miner.json");
    // The activity began after the pod, as it must have.
    const text = readFileSync(sample, "utf8").replaceAll(SAMPLE_POD, pod);
    writeFileSync(sample, text.replaceAll(/\{\{minutes-ago:\d+\}\}/g, "{{minutes-ago:0}}"));
    const home = join(folder, "state");
    const started = start(
      ...["--port", "0", "--state", home, "--samples", samples],
      ...["--kubeconfig", kubeconfig, "--mode", "enforce"],
    );
    await started.says("defender-reflex is up");
    const { url, key, token } = started.address(home);
    const reflex = async (...args: readonly string[]): Promise<string> => {
      const bearer: { token: string } = JSON.parse(await (await fetch(token)).text());
      const env = { REFLEX_URL: url, REFLEX_KEY: key, REFLEX_TOKEN: bearer.token };
      return run(process.execPath, [join(root, "cli/main.ts"), ...args], "", env);
    };
    const records = async (): Promise<Remediation[]> =>
      (await reflex("list", "--json")).split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line)]));

    const PLAYBOOKS = ["block-image", "collect-evidence", "isolate-pod"];
    const done = await eventually(
      records,
      (all) =>
        all.length === PLAYBOOKS.length && all.every(({ state: now }) => ["in-force", "done"].includes(now)),
    );
    const told = Object.fromEntries(
      done.map(({ playbook, state: now, proof }) => [playbook, `${now} ${proof}`]),
    );
    console.log(`The miner on a real API server: ${JSON.stringify(told)}`);
    // Nobody runs the pod, so nobody gives its log, and nobody could show that the isolation is enforced.
    expect(told).toEqual({
      "isolate-pod": "in-force declared",
      "collect-evidence": "done partial",
      "block-image": "in-force proved",
    });
    const evidence = done.find(({ playbook }) => playbook === "collect-evidence");
    expect(evidence?.reason).toMatch(/manifest\.json, sha256 [0-9a-f]{64}/);
    expect(evidence?.remains).toEqual([
      expect.stringMatching(/^No logs\/web\.log: its node did not give it/),
    ]);

    // What kubectl finds.
    const isolation = done.find(({ playbook }) => playbook === "isolate-pod");
    const marked = (await lab.list("pods", "shop")).filter(
      ({ metadata }) => metadata.labels?.[INCIDENT_LABEL],
    );
    expect(marked.map(({ metadata }) => [metadata.name, metadata.labels])).toEqual([
      [pod, expect.objectContaining({ [INCIDENT_LABEL]: isolation?.id, app: "web" })],
    ]);
    expect(marked[0]?.metadata.labels).not.toHaveProperty("tier");
    const policies = await lab.list("networkpolicies", "shop");
    expect(policies.map(({ metadata }) => metadata.name).toSorted()).toEqual([
      "allow-web",
      `reflex-isolate-${isolation?.id}`,
    ]);
    const bad = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "again", namespace: "shop" },
      spec: { containers: [{ name: "web", image: IMAGE }] },
    };
    const refusal = await eventually(
      () => lab.refusal(bad),
      (one) => one !== null,
    );
    expect(refusal).toContain("reflex-blocked-image:");
    const good = {
      ...bad,
      spec: { containers: [{ name: "web", image: "acrshop.azurecr.io/shop/web:2.3.2" }] },
    };
    expect(await lab.refusal(good)).toBeNull();
    const events = await lab.list("events", "shop");
    expect(events.filter((event) => Reflect.get(event, "reason") === "ReflexApplied")).toHaveLength(1);
    expect(started.printed()).toMatch(/12-miner .*teams/);

    for (const { id, state: now } of done) {
      if (now === "in-force") await reflex("revert", id, "--reason", "the drill is over");
    }
    expect(await state(pod)).toBe(before);
    expect(
      await eventually(
        () => lab.refusal(bad),
        (one) => one === null,
      ),
    ).toBeNull();
  }, 240_000);
});

function run(
  program: string,
  args: readonly string[],
  input: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { maxBuffer: 64 * 1024 * 1024, env: { PATH: process.env["PATH"] ?? "", ...env } };
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${args.join(" ")}: ${stderr === "" ? error.message : stderr}`));
    });
    child.stdin?.end(input);
  });
}
