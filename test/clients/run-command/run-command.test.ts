import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { Permanent, Refused, Retryable } from "../../../src/model/errors.ts";
import type { ClusterConnect } from "../../../src/model/rule.ts";
import { pod } from "../../playbooks/cluster-objects.ts";
import { aksId, type CountedPort, caught, countedPort } from "../aks/aks-bench.ts";
import { BY_COMMAND, type RunCommandBench, runCommandBench } from "./run-command-bench.ts";

const TIMES = { waitMs: 20_000, commandMs: 20_000, beginMs: 60_000, callMs: 10_000 };
const POLICY = {
  namespace: "shop",
  name: "reflex-1",
  podLabel: ["reflex", "1"],
  labels: {},
  annotations: {},
} as const;

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function bench(more: Parameters<typeof runCommandBench>[0] = {}): Promise<RunCommandBench> {
  const b = await runCommandBench(more);
  closers.push(b.close);
  return b;
}

/** A bench whose cluster has a second way, by token at a port of its own. */
async function withSecondWay(times = TIMES): Promise<{ b: RunCommandBench; second: CountedPort }> {
  const second = await countedPort(null);
  closers.push(second.close);
  const server = `https://127.0.0.1:${second.port}`;
  const byToken: ClusterConnect = { kind: "token", server, caSetting: null, tokenSetting: "TOKEN" };
  const means = { commandTimes: times, timeoutMs: 1_000, setting: () => "token" };
  return { b: await bench({ connect: [BY_COMMAND, byToken], means }), second };
}

/** Has a program of its own stand for kubectl in the pods. */
function kubectlOf(b: RunCommandBench, script: string): void {
  const folder = mkdtempSync(join(tmpdir(), "reflex-kubectl-"));
  closers.push(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "kubectl");
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  b.arm.commands.pod.kubectl = file;
}

const reader = ({ ports }: RunCommandBench) => ports.read.kubernetes(aksId());
const writer = ({ ports }: RunCommandBench) => ports.write.kubernetes(aksId());
const readPod = (b: RunCommandBench) => reader(b).pod("shop", "web-1");
const makePolicy = (b: RunCommandBench) => writer(b).createDenyAllPolicy(POLICY);
const posts = ({ arm }: RunCommandBench) =>
  arm.requests.filter(({ path }) => path.endsWith("/runCommand")).map(({ status }) => status);

describe("a cluster by run command", () => {
  it("is asked by one command for reads of the same moment, with the app's own token and one fixed command", async () => {
    const b = await bench();
    const [found, none] = await Promise.all([readPod(b), reader(b).pod("shop", "none")]);
    expect(found).toMatchObject({ name: "web-1" });
    expect(none).toBeNull();
    expect(b.commands()).toEqual([
      ["get /api/v1/namespaces/shop/pods/web-1 - - - -", "get /api/v1/namespaces/shop/pods/none - - - -"],
    ]);
    expect(b.arm.commands.asked.map(({ command }) => command)).toEqual(["sh reflex.sh"]);
    expect(b.arm.requests.find(({ path }) => path.endsWith("/runCommand"))?.body).toMatchObject({
      clusterToken: b.arm.clusterToken,
    });
    expect(b.kubernetes.requests.map(({ user }) => user)).toEqual(
      Array.from({ length: 2 }, () => "system:serviceaccount:defender-reflex:reflex"),
    );
    expect(b.arm.breaches).toEqual([]);
  });

  it("is changed by one command for each change, none of which repeats", async () => {
    const b = await bench();
    await Promise.allSettled([makePolicy(b), makePolicy(b), readPod(b)]);
    expect(b.commands().map((lines) => lines.map((line) => line.split(" ")[0]))).toEqual([
      ["create"],
      ["create"],
      ["get"],
    ]);
  });

  it("takes a large answer by itself where it does not fit beside others, and no part of it for the whole", async () => {
    const b = await bench();
    b.arm.commands.pod.without = ["gzip"];
    b.arm.commands.pod.mostOutput = 500_000;
    b.kubernetes.seed([
      pod("small"),
      pod("large", { metadata: { annotations: { x: "x".repeat(250_000) } } }),
    ]);
    const large = () => reader(b).pod("shop", "large");
    const both = await Promise.all([readPod(b), large(), large()]);
    expect(both.map((found) => found?.name)).toEqual(["web-1", "large", "large"]);
    const containers = [{ name: "web", image: "web", args: ["x".repeat(520_000)] }];
    b.kubernetes.seed([pod("huge", { spec: { containers } })]);
    const [small, huge] = await Promise.all([readPod(b), caught(reader(b).pod("shop", "huge"))]);
    expect(small).toMatchObject({ name: "web-1" });
    expect(huge).toBeInstanceOf(Retryable);
    expect(huge.message).toContain("larger than what a command in the cluster may print");
  });

  it("answers also from a pod without the tools to pack", async () => {
    const b = await bench();
    b.arm.commands.pod.without = ["base64"];
    b.kubernetes.seed([pod("odd", { metadata: { annotations: { x: "Grüße \n\n\\ %s ´" } } })]);
    expect(await reader(b).pod("shop", "odd")).toMatchObject({ annotations: { x: "Grüße \n\n\\ %s ´" } });
  });

  it.each([
    ["ends by itself", "echo '{}'; exit 3"],
    [
      "cannot reach the API server",
      "echo 'Unable to connect to the server: dial tcp: i/o timeout' >&2; exit 1",
    ],
    ["says a reason that nobody knows", "echo 'Error from server (Strange): hm' >&2; exit 1"],
    ["is not there", "exit 127"],
  ])("takes it for no success where kubectl %s", async (_how, script) => {
    const b = await bench();
    kubectlOf(b, script);
    const [read, write] = [await caught(readPod(b)), await caught(makePolicy(b))];
    for (const error of [read, write]) expect(error).toMatchObject({ name: "Retryable", undone: false });
    expect(read.message).toContain("not by a word of the API server");
  });

  it("takes it for no success where kubectl prints a page", async () => {
    const b = await bench();
    kubectlOf(b, "echo '<html>sign in</html>'");
    expect(await caught(readPod(b))).toMatchObject({
      message: expect.stringContaining("is not the Kubernetes API"),
    });
  });

  it("says that it broke off where a command tells nothing of a request", async () => {
    const b = await bench();
    kubectlOf(b, "kill -9 $PPID");
    const killed = await caught(makePolicy(b));
    expect(killed).toMatchObject({ name: "Retryable", undone: false });
    expect(killed.message).toContain("it ended with 137");
    b.arm.commands.pod.kubectl = null;
    b.arm.commands.pod.mostOutput = 100;
    expect((await caught(readPod(b))).message).toContain("broke off");
  });

  it("says why a command came to no end, and leaves the cluster alone for a minute", async () => {
    const b = await bench();
    b.arm.commands.pod.failure = "ImagePullBackoff";
    const error = await caught(readPod(b));
    expect(error).toBeInstanceOf(Retryable);
    expect(error.message).toContain("ImagePullBackoff");
    await caught(readPod(b));
    expect(posts(b)).toEqual([202]);
  });

  it("begins no change in the cluster once its time is over, and says that nothing was done", async () => {
    const b = await bench({ means: { commandTimes: { ...TIMES, beginMs: -60_000 } } });
    expect(await caught(makePolicy(b))).toMatchObject({ name: "Retryable", undone: true });
    expect(b.kubernetes.requests).toEqual([]);
    expect(await readPod(b)).toMatchObject({ name: "web-1" });
  });

  it("lets nothing wait for ever, and says that what waited too long was not sent", async () => {
    const b = await bench({ means: { commandTimes: { ...TIMES, waitMs: 500 } } });
    b.arm.commands.pod.delayMs = 1_500;
    const [first, second] = [readPod(b), caught(makePolicy(b))];
    expect(await second).toMatchObject({ name: "Retryable", undone: true });
    expect(await first).toMatchObject({ name: "web-1" });
    expect(posts(b)).toEqual([202]);
  });
});

describe("what became of a change is not known", () => {
  it("where Azure's answer to the command was lost; it is not sent again", async () => {
    const { b, second } = await withSecondWay();
    b.arm.faults.add({ match: { path: "runCommand" }, answer: { kind: "lost-answer" } });
    expect(await caught(makePolicy(b))).toMatchObject({ name: "Retryable", undone: false });
    expect(b.commands()).toHaveLength(1);
    expect(second.connections).toBe(0);
  });

  it("where its end is not told in time; a read goes on by the next way, the change does not", async () => {
    const { b, second } = await withSecondWay({ ...TIMES, commandMs: 400 });
    b.arm.commands.pod.delayMs = 1_000;
    expect(await caught(makePolicy(b))).toMatchObject({ name: "Retryable", undone: false });
    expect(second.connections).toBe(0);
    await caught(readPod(b));
    expect(second.connections).toBe(1);
    expect(b.commands()).toHaveLength(1);
  });

  it("where its result may not be read", async () => {
    const { b, second } = await withSecondWay();
    b.arm.faults.add({ match: { path: "commandResults" }, answer: { kind: "status", status: 403 } });
    const error = await caught(makePolicy(b));
    expect(error).toMatchObject({ name: "Retryable", undone: false });
    expect(error).toMatchObject({ advice: expect.stringContaining("commandResults/read") });
    expect(second.connections).toBe(0);
  });

  it("but trouble while it is looked at is borne", async () => {
    const b = await bench();
    b.arm.faults.add({ match: { path: "commandResults" }, answer: { kind: "status", status: 503 } });
    expect(await makePolicy(b)).toMatchObject({ name: "reflex-1" });
    expect(posts(b)).toEqual([202]);
  }, 20_000);
});

describe("run command ends there, and no other way is tried,", () => {
  it.each([401, 403])("where Resource Manager answers %i", async (status) => {
    const { b, second } = await withSecondWay();
    b.arm.faults.add({ match: { path: "runCommand" }, answer: { kind: "status", status } });
    expect(await caught(readPod(b))).toBeInstanceOf(Permanent);
    expect(second.connections).toBe(0);
  });

  it.each([
    [401, "Unauthorized"],
    [403, "Forbidden"],
  ])("where the API server answers %i", async (status, reason) => {
    const { b, second } = await withSecondWay();
    const body = { kind: "Status", reason, message: "no", code: status };
    b.kubernetes.faults.add({ answer: { kind: "status", status, body } });
    const error = await caught(readPod(b));
    expect(error).toBeInstanceOf(Permanent);
    expect(error.message).toContain(`answered ${status}`);
    expect(second.connections).toBe(0);
  });

  it("where the cluster is stopped", async () => {
    const { b, second } = await withSecondWay();
    b.show({ properties: { powerState: { code: "Stopped" } } });
    expect(await caught(readPod(b))).toMatchObject({
      name: "Permanent",
      message: "AKS cluster prod is stopped",
    });
    expect([posts(b), second.connections]).toEqual([[], 0]);
  });
});

it.each([
  [{ aadProfile: null }, "not integrated with Entra"],
  [{ apiServerAccessProfile: { disableRunCommand: true } }, "run command is switched off"],
])("is refused ahead, by reason, for a cluster with %j", async (properties, reason) => {
  const b = await bench();
  b.show({ properties });
  const error = await caught(readPod(b));
  expect(error).toBeInstanceOf(Refused);
  expect(error.message).toContain(reason);
  expect(posts(b)).toEqual([]);
});
