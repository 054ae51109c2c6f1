import { type ChildProcess, spawn } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** A Kubernetes control plane on loopback, without a kubelet: etcd, API server, controller manager. */
export interface ControlPlane {
  /** Path of an administrator's kubeconfig. */
  readonly kubeconfig: string;
  stop(): Promise<void>;
}

const BINARIES = ["etcd", "kube-apiserver", "kube-controller-manager"] as const;
const READY_MS = 90_000;

/** What is missing of the binaries in this folder, in words; null: nothing. */
export function missingBinaries(assets: string): string | null {
  const missing = BINARIES.filter((name) => !existsSync(join(assets, name)));
  return missing.length === 0 ? null : `KUBEBUILDER_ASSETS (${assets}) lacks ${missing.join(", ")}.`;
}

/** Starts one from the binaries in a folder, and waits until it is ready. Raises an error with its log where it is not. */
export async function startControlPlane(assets: string): Promise<ControlPlane> {
  const folder = mkdtempSync(join(tmpdir(), "reflex-cluster-"));
  const file = (name: string): string => join(folder, name);
  const [client, peer, api] = await Promise.all([freePort(), freePort(), freePort()]);
  const token = randomBytes(16).toString("hex");
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  writeFileSync(file("sa.key"), privateKey.export({ type: "pkcs1", format: "pem" }));
  writeFileSync(file("sa.pub"), publicKey.export({ type: "spki", format: "pem" }));
  writeFileSync(file("tokens.csv"), `${token},admin,admin,system:masters\n`);
  const children: ChildProcess[] = [];
  const logs: string[] = [];
  const start = (name: (typeof BINARIES)[number], args: readonly string[]): void => {
    const child = spawn(join(assets, name), args, { stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => {
        logs.push(chunk.toString());
        if (logs.length > 200) logs.shift();
      });
    }
    children.push(child);
  };
  const stop = async (): Promise<void> => {
    for (const child of children.toReversed()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = new Promise((resolve) => child.once("close", resolve));
      child.kill("SIGTERM");
      await Promise.race([ended, delay(10_000).then(() => child.kill("SIGKILL"))]);
    }
    rmSync(folder, { recursive: true, force: true });
  };
  const etcd = `http://127.0.0.1:${client}`;
  const peers = `http://127.0.0.1:${peer}`;
  start("etcd", [
    `--data-dir=${file("etcd")}`,
    `--listen-client-urls=${etcd}`,
    `--advertise-client-urls=${etcd}`,
    `--listen-peer-urls=${peers}`,
    `--initial-advertise-peer-urls=${peers}`,
    `--initial-cluster=default=${peers}`,
  ]);
  start("kube-apiserver", [
    `--etcd-servers=${etcd}`,
    "--bind-address=127.0.0.1",
    "--advertise-address=127.0.0.1",
    `--secure-port=${api}`,
    `--cert-dir=${file("certs")}`,
    `--token-auth-file=${file("tokens.csv")}`,
    "--authorization-mode=RBAC",
    // As on every managed cluster; without it the server itself takes no privileged container.
    "--allow-privileged=true",
    "--service-account-issuer=https://kubernetes.default.svc",
    `--service-account-key-file=${file("sa.pub")}`,
    `--service-account-signing-key-file=${file("sa.key")}`,
    "--service-cluster-ip-range=10.0.0.0/24",
  ]);
  try {
    await until(() => existsSync(file("certs/apiserver.crt")));
    const kubeconfig = file("kubeconfig.json");
    writeFileSync(kubeconfig, kubeconfigText(api, token, readFileSync(file("certs/apiserver.crt"))));
    await ready(api, token, readFileSync(file("certs/apiserver.crt")));
    start("kube-controller-manager", [
      `--kubeconfig=${kubeconfig}`,
      `--service-account-private-key-file=${file("sa.key")}`,
      `--root-ca-file=${file("certs/apiserver.crt")}`,
      "--leader-elect=false",
      "--bind-address=127.0.0.1",
      `--secure-port=${await freePort()}`,
      `--cert-dir=${file("kcm")}`,
    ]);
    return { kubeconfig, stop };
  } catch (error) {
    const last = logs.join("").split("\n").slice(-15).join("\n");
    await stop();
    throw new Error(`The control plane did not start.\n${last}`, { cause: error });
  }
}

function kubeconfigText(port: number, token: string, ca: Buffer): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name: "local",
        cluster: {
          server: `https://127.0.0.1:${port}`,
          "certificate-authority-data": ca.toString("base64"),
        },
      },
    ],
    users: [{ name: "admin", user: { token } }],
    contexts: [{ name: "local", context: { cluster: "local", user: "admin" } }],
    "current-context": "local",
  });
}

async function ready(port: number, token: string, ca: Buffer): Promise<void> {
  const { Agent, request } = await import("undici");
  const dispatcher = new Agent({ connect: { ca } });
  const asks = async (): Promise<boolean> => {
    try {
      const answer = await request(`https://127.0.0.1:${port}/readyz`, {
        dispatcher,
        headers: { authorization: `Bearer ${token}` },
      });
      await answer.body.dump();
      return answer.statusCode === 200;
    } catch {
      return false;
    }
  };
  await until(asks);
  await dispatcher.close();
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + READY_MS;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error("It was not ready in time.");
    await delay(200);
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("No port is free.");
  return address.port;
}
