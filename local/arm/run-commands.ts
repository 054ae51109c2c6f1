import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { unzipSync } from "fflate";
import { field, type Json, textField } from "./json.ts";

/** How commands run in the pods of the stand-in; a test changes it. */
export interface PodOfCommands {
  /** A real kubectl; the stand-in's own where none is given. */
  kubectl: string | null;
  /** Until the pod runs. */
  delayMs: number;
  /** Why no pod comes to run; null: it does. */
  failure: string | null;
  /** Characters of output that Azure passes on. */
  mostOutput: number;
  /** Tools that this pod does not have. */
  without: readonly string[];
}

/** One command as it was asked for. */
export interface AskedCommand {
  readonly command: string;
  /** Its files by name. */
  readonly files: Readonly<Record<string, string>>;
}

const KUBECTL = fileURLToPath(new URL("../kubectl/main.ts", import.meta.url));
const MOST_OUTPUT = 512 * 1024;

/** Runs commands as AKS does: unpacked into a folder of their own, with kubectl on the path and signed in with the token. */
export class RunCommands {
  readonly pod: PodOfCommands = {
    kubectl: null,
    delayMs: 0,
    failure: null,
    mostOutput: MOST_OUTPUT,
    without: [],
  };
  readonly asked: AskedCommand[] = [];
  readonly #results = new Map<string, Json | null>();
  readonly #running = new Set<Promise<void>>();

  /** Begins a command against the cluster of a user's kubeconfig; its id. */
  begin(kubeconfig: string, body: unknown): string {
    const id = randomUUID().replaceAll("-", "");
    const context = textField(body, "context");
    const unpacked = context === "" ? {} : unzipSync(Buffer.from(context, "base64"));
    const command = textField(body, "command");
    const texts = Object.entries(unpacked).map(([name, bytes]) => [
      name,
      Buffer.from(bytes).toString("utf8"),
    ]);
    this.asked.push({ command, files: Object.fromEntries(texts) });
    this.#results.set(id, null);
    const startedAt = new Date().toISOString();
    const running = this.#run(command, unpacked, signedIn(kubeconfig, textField(body, "clusterToken"))).then(
      (end) => {
        this.#results.set(id, {
          id,
          properties: { ...end, startedAt, finishedAt: new Date().toISOString() },
        });
        this.#running.delete(running);
      },
    );
    this.#running.add(running);
    return id;
  }

  /** What a command came to; null while it runs, undefined where there is no such. */
  result(id: string): Json | null | undefined {
    return this.#results.get(id);
  }

  /** Waits for what runs. */
  async stop(): Promise<void> {
    await Promise.all(this.#running);
  }

  async #run(
    command: string,
    files: Readonly<Record<string, Uint8Array>>,
    kubeconfig: string,
  ): Promise<Json> {
    const { delayMs, failure, mostOutput } = this.pod;
    await sleep(delayMs);
    if (failure !== null) return { provisioningState: "failed", reason: failure };
    const pod = mkdtempSync(join(tmpdir(), "reflex-pod-"));
    try {
      const [work, tools] = ["work", "tools"].map((name) => join(pod, name));
      for (const folder of [work, tools]) mkdirSync(folder ?? pod);
      for (const [name, bytes] of Object.entries(files))
        writeFileSync(join(work ?? pod, basename(name)), bytes);
      writeFileSync(join(pod, "config"), kubeconfig);
      this.#equip(tools ?? pod);
      const env = { PATH: `${tools}:${process.env["PATH"]}`, KUBECONFIG: join(pod, "config"), HOME: pod };
      const child = spawn("/bin/sh", ["-c", command], { cwd: work, env, stdio: ["ignore", "pipe", "pipe"] });
      const ended = new Promise<number>((settle) => child.on("close", (code) => settle(code ?? 1)));
      const [printed, complained, exitCode] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        ended,
      ]);
      const logs = `${printed}${complained}`.slice(0, mostOutput);
      return { provisioningState: "succeeded", exitCode, logs };
    } finally {
      rmSync(pod, { recursive: true, force: true });
    }
  }

  #equip(tools: string): void {
    const { kubectl, without } = this.pod;
    const program = (name: string, script: string): void =>
      writeFileSync(join(tools, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    if (kubectl === null) program("kubectl", `exec '${process.execPath}' '${KUBECTL}' "$@"`);
    else symlinkSync(kubectl, join(tools, "kubectl"));
    for (const name of without) program(name, "exit 127");
  }
}

/** The kubeconfig of the pod: the same cluster, by token. */
function signedIn(kubeconfig: string, token: string): string {
  const clusters = field(JSON.parse(kubeconfig), "clusters");
  const [first] = Array.isArray(clusters) ? clusters : [];
  const context = { name: "pod", context: { cluster: "pod", user: "pod" } };
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "pod",
    contexts: [context],
    clusters: [{ name: "pod", cluster: field(first, "cluster") }],
    users: [{ name: "pod", user: { token } }],
  });
}
