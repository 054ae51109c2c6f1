import type { AskedCommand } from "../../../local/arm/run-commands.ts";
import type { KubernetesOptions } from "../../../local/kubernetes/index.ts";
import type { ClusterMeans } from "../../../src/clients/clusters.ts";
import type { WritePorts } from "../../../src/model/playbook.ts";
import type { ClusterConnect } from "../../../src/model/rule.ts";
import { type AksBench, aksBench, aksId } from "../aks/aks-bench.ts";

/** The way by run command, as the configuration has it. */
export const BY_COMMAND: ClusterConnect = { kind: "run-command" };

/** A cluster that is reached by run command, behind the stand-in of Resource Manager that runs the commands for real. */
export interface RunCommandBench extends AksBench {
  readonly ports: WritePorts;
  /** The commands so far, each as the lines of its requests. */
  commands(): string[][];
}

/** Starts it, with pod shop/web-1 in the cluster. */
export async function runCommandBench(
  more: KubernetesOptions & { means?: Partial<ClusterMeans>; connect?: readonly ClusterConnect[] } = {},
): Promise<RunCommandBench> {
  const { means = {}, connect = [BY_COMMAND], ...options } = more;
  const b = await aksBench(options);
  b.show();
  const clock = { now: () => new Date() };
  const cluster = { name: "prod", id: aksId(), aliases: [], connect };
  const ports = b.open([cluster], { clock, ...means });
  return { ...b, looks: b.looks, ports, commands: () => b.arm.commands.asked.map(linesOf) };
}

/** The requests of a command, without how many bytes are wanted. */
export function linesOf({ files }: AskedCommand): string[] {
  const lines = (files["requests"] ?? "").trimEnd().split("\n");
  return lines.map((line) => line.split(" ").slice(0, -1).join(" "));
}

/** What an act came to, without what differs from cluster to cluster. */
export async function outcomeOf(act: Promise<unknown>): Promise<unknown> {
  try {
    return JSON.parse(
      JSON.stringify(await act, (key, value: unknown) =>
        /^(uid|resourceVersion|createdAt|at|managers)$/.test(key) ? "…" : value,
      ) ?? "null",
    );
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const { name, message } = error;
    return { name, message, ...Object(JSON.parse(JSON.stringify(error))) };
  }
}
