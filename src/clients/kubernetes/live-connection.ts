import type { Clock } from "../../model/clock.ts";
import { Retryable } from "../../model/errors.ts";
import type { Apis } from "./api-client.ts";
import { Circuit } from "./circuit.ts";
import { wayFault } from "./classify-error.ts";
import { type Connection, connectionOf } from "./connection.ts";
import { judgeFailure, OPEN_MS } from "./judge-failure.ts";
import type { LiveAccess } from "./live-access.ts";
import { type LiveClient, LiveClients } from "./live-clients.ts";

const LEAST_MS = 5_000;

/** What one request came to; a failure as the client raised it. */
type Sent<T> = { readonly done: T } | { readonly failure: unknown };

/**
 * A connection over a way that is asked for when it is used. A call that is turned away (401, an untrusted certificate)
 * looks once whether the cluster has moved and is made once more; forbidden (403) stays forbidden. Nobody there: all
 * calls of this cluster fail at once for a minute.
 */
export function openLiveConnection(
  access: LiveAccess,
  { timeoutMs, clock }: { readonly timeoutMs: number; readonly clock: Clock },
): Connection {
  const clients = new LiveClients(access, timeoutMs, clock);
  const circuit = new Circuit(clock);
  const send = async <T>(client: LiveClient, act: (apis: Apis) => Promise<T>): Promise<Sent<T>> => {
    client.holder.bearer = await access.token();
    try {
      return { done: await act(client.apis) };
    } catch (failure) {
      return { failure };
    }
  };
  const attempt = async <T>(act: (apis: Apis) => Promise<T>): Promise<Sent<T>> => {
    const client = await clients.get();
    const sent = await send(client, act);
    const fault = "failure" in sent ? wayFault(sent.failure) : null;
    if (fault !== "unauthorized" && fault !== "untrusted") return sent;
    const other = await clients.instead(client);
    return other === null ? sent : send(other, act);
  };
  return connectionOf(async (call, act) => {
    circuit.enter();
    const sent = await attempt(act).catch((error: unknown) => {
      if (error instanceof Retryable)
        circuit.open(error, Math.max(LEAST_MS, Math.min(OPEN_MS, error.retryAfterMs)));
      else circuit.close();
      throw error;
    });
    if ("done" in sent) {
      circuit.close();
      return sent.done;
    }
    throw judgeFailure(circuit, sent.failure, call, access.advice);
  });
}
