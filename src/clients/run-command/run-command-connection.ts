import type { Clock } from "../../model/clock.ts";
import { Refused, Retryable } from "../../model/errors.ts";
import { type AksMeans, aksAccess } from "../aks/aks-access.ts";
import { readAksCluster } from "../aks/find-aks-cluster.ts";
import { type Apis, apisOver } from "../kubernetes/api-client.ts";
import { Circuit } from "../kubernetes/circuit.ts";
import { classifyError } from "../kubernetes/classify-error.ts";
import { type Connection, connectionOf } from "../kubernetes/connection.ts";
import { asNoWay, noWay } from "../kubernetes/no-way.ts";
import { remembered } from "../remembered.ts";
import { CommandQueue } from "./command-queue.ts";
import { kubectlTransport } from "./kubectl-transport.ts";
import { sendCommand } from "./send-command.ts";

/** How long each part may take. */
export interface CommandTimes {
  /** A request for its command, which carries one change or some reads at a time. */
  readonly waitMs: number;
  /** A command, from its sending to its end. */
  readonly commandMs: number;
  /** From the sending of a change until it has begun in the cluster; after that it does not begin any more. */
  readonly beginMs: number;
  /** One call of kubectl. */
  readonly callMs: number;
}

/** The times of every cluster; the engine's pace has room for all of them, see there. */
export const COMMAND_TIMES: CommandTimes = {
  waitMs: 120_000,
  commandMs: 120_000,
  beginMs: 180_000,
  callMs: 30_000,
};
/** How long Azure's word on the cluster is relied on; a no for less. */
const KEPT_MS = 15 * 60_000;
const NO_MS = 60_000;
/** No connection is ever made to it. */
const NOWHERE = "https://kubernetes.default.svc";

/**
 * A connection to an AKS cluster by Azure's run command: each request is a call of kubectl in a pod of the cluster, with a
 * token of the app's own identity. Slow, so for clusters without another way. Nothing is asked before the first use.
 */
export function openRunCommandConnection(
  id: string,
  {
    clock,
    times = COMMAND_TIMES,
    ...means
  }: AksMeans & { readonly clock: Clock; readonly times?: CommandTimes },
): Connection {
  const access = aksAccess(id, means);
  const circuit = new Circuit(clock);
  const isUsable = remembered(clock, () => mustAllow(id, means), { keptMs: KEPT_MS, noMs: NO_MS });
  const { arm } = means;
  const send = { arm, id, token: access.token, commandMs: times.commandMs };
  const queue = new CommandQueue({ ...times, clock, run: (files) => sendCommand(send, files) });
  let apis: Promise<Apis> | undefined;
  return connectionOf(async (call, act) => {
    circuit.enter();
    try {
      await isUsable();
      apis ??= openApis(queue);
      const done = await act(await apis);
      circuit.close();
      return done;
    } catch (failure) {
      if (failure instanceof Retryable && noWay(failure) !== null)
        circuit.open(failure, failure.retryAfterMs);
      else circuit.close();
      throw classifyError(failure, call, access.advice);
    }
  });
}

async function openApis(queue: CommandQueue): Promise<Apis> {
  const sdk = await import("../kubernetes/sdk.ts");
  const { httpApi, raw } = await kubectlTransport(queue);
  const baseServer = new sdk.ServerConfiguration(NOWHERE, {});
  const apis: Apis = apisOver(sdk, {
    configuration: () => sdk.createConfiguration({ baseServer, httpApi }),
    raw,
    // Each command connects anew by itself.
    fresh: (act) => act(apis),
  });
  return apis;
}

async function mustAllow(id: string, { arm }: AksMeans): Promise<void> {
  const { apiServerAccessProfile } = await readAksCluster(arm, id);
  if (apiServerAccessProfile?.disableRunCommand !== true) return;
  const refused = new Refused(
    `run command is switched off for AKS cluster ${id.split("/").at(-1) ?? id}`,
    "Give the app a route to its API server, or allow run command (`az aks update --enable-run-command`).",
  );
  throw asNoWay(refused, { mayHaveLeft: false });
}
