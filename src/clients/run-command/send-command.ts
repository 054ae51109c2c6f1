import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { Permanent, Retryable } from "../../model/errors.ts";
import { AKS_VERSION } from "../aks/find-aks-cluster.ts";
import type { Arm, Progress } from "../arm/index.ts";
import { asNoWay } from "../kubernetes/no-way.ts";
import { COMMAND } from "./command-script.ts";

/** How commands of one cluster are sent. */
export interface CommandMeans {
  readonly arm: Arm;
  /** ARM id of the cluster. */
  readonly id: string;
  /** A token of the app's own identity for the API servers of AKS: the cluster's rights are those of the app. */
  token(): Promise<string>;
  /** The longest that one command may take, from its sending to its end. */
  readonly commandMs: number;
}

/** Between two looks where Azure does not say how long to wait, and the least of it. */
const LOOK_MS = 2_000;
const LEAST_LOOK_MS = 200;
/** After a command that did not run, nobody tries for so long. */
const AGAIN_MS = 60_000;
const COMMAND_ID = /\/commandResults\/([A-Za-z0-9-]{1,128})(?:\?|$)/i;

const resultSchema = z.object({
  properties: z.object({
    provisioningState: z.string().nullish(),
    exitCode: z.int().nullish(),
    logs: z.string().nullish(),
    reason: z.string().nullish(),
  }),
});

/**
 * Runs the one command with its files (a zip) in the cluster, and gives what it printed. Raises what Azure refused as it
 * is while nothing has been taken; from then on `Retryable` alone, since the command may have run.
 */
export async function sendCommand(means: CommandMeans, files: Uint8Array): Promise<string> {
  const { arm, id, commandMs } = means;
  const name = id.split("/").at(-1) ?? id;
  const over = AbortSignal.timeout(commandMs);
  const clusterToken = await means.token();
  const context = Buffer.from(files).toString("base64");
  let progress = await arm.begin(id, "runCommand", AKS_VERSION, { command: COMMAND, context, clusterToken });
  const at = `${id}/commandResults/${COMMAND_ID.exec(progress.location ?? "")?.[1] ?? ""}`;
  for (;;) {
    const printed = printedBy(progress, name);
    if (printed !== null) return printed;
    if (at.endsWith("/")) throw unknown(name, "Azure does not say where its result is");
    progress = await lookAgain(means, at, progress, over);
  }
}

/** What it printed; null while it runs. */
function printedBy({ isRunning, body }: Progress, name: string): string | null {
  if (isRunning) return null;
  const { data } = resultSchema.safeParse(body);
  if (data === undefined) throw unknown(name, "Azure's answer is not what it should be");
  const { provisioningState, exitCode, logs, reason } = data.properties;
  const state = provisioningState?.toLowerCase();
  if (state === "failed" || state === "canceled") {
    const why = /^[\w .,:-]{1,100}$/.test(reason ?? "") ? ` (${reason})` : "";
    throw notRun(name, `it could not be run there${why}`);
  }
  if (state !== "succeeded") return null;
  if (exitCode !== 0 || typeof logs !== "string")
    throw unknown(name, `it ended with ${exitCode ?? "no code"}`);
  return logs;
}

/** Trouble on the way is borne until the time is over: the command goes on meanwhile. */
async function lookAgain(
  { arm, id, commandMs }: CommandMeans,
  at: string,
  { retryAfterMs }: Progress,
  over: AbortSignal,
): Promise<Progress> {
  const name = id.split("/").at(-1) ?? id;
  const late = (): Retryable => notRun(name, `it was not over within ${Math.round(commandMs / 1_000)} s`);
  let pause = Math.max(LEAST_LOOK_MS, retryAfterMs ?? LOOK_MS);
  for (;;) {
    await sleep(pause, undefined, { signal: over }).catch(() => {
      throw late();
    });
    try {
      return await arm.progress(at, AKS_VERSION);
    } catch (error) {
      if (error instanceof Permanent) throw unread(name, error);
      if (!(error instanceof Retryable)) throw error;
      pause = Math.max(LOOK_MS, error.retryAfterMs);
    }
  }
}

function notRun(name: string, why: string): Retryable {
  const error = new Retryable(
    `A command in AKS cluster ${name} came to no end: ${why}`,
    "Look at the pods of namespace aks-command in the cluster, and whether its nodes have room for one more.",
    { retryAfterMs: AGAIN_MS },
  );
  // It speaks of the way; what it carried may have been done all the same.
  return asNoWay(error, { mayHaveLeft: true });
}

function unknown(name: string, why: string): Retryable {
  return new Retryable(
    `What became of a command in AKS cluster ${name} is not known: ${why}`,
    "It is looked at again by itself; what a change came to is read back.",
    { retryAfterMs: 10_000 },
  );
}

/** Turned away, so no other way is tried; but the command is on its way, and no word of Azure's says that it did nothing. */
function unread(name: string, { message }: Permanent): Retryable {
  return new Retryable(
    `The result of a command in AKS cluster ${name} cannot be read: ${message}`,
    "Grant the app's identity Microsoft.ContainerService/managedClusters/commandResults/read on the cluster.",
    { retryAfterMs: AGAIN_MS },
  );
}
