import type { Clock } from "../../model/clock.ts";
import type { ApiCall } from "./api-call.ts";
import { type Apis, CONNECT_MS, openApiClient } from "./api-client.ts";
import { Circuit } from "./circuit.ts";
import { classifyError, isNotFound } from "./classify-error.ts";
import { judgeFailure } from "./judge-failure.ts";
import type { ClusterAccess } from "./kubeconfig.ts";

export type { Apis } from "./api-client.ts";

/** Calls of one cluster. Both raise our own errors only. */
export interface Connection {
  call<T>(call: ApiCall, send: (apis: Apis) => Promise<T>): Promise<T>;
  /** As `call`; null where the API server says that the object is not there, or where `isNone` says so of its answer. */
  find<T>(
    call: ApiCall,
    send: (apis: Apis) => Promise<T>,
    isNone?: (error: unknown) => boolean,
  ): Promise<T | null>;
}

/**
 * A connection that loads the client with its first call, and then keeps its sockets. With a clock, a cluster that cannot
 * be reached is left alone for a minute, in which its calls fail at once.
 */
export function openConnection(access: ClusterAccess, timeoutMs: number, clock?: Clock): Connection {
  const circuit = clock === undefined ? null : new Circuit(clock);
  let apis: Promise<Apis> | undefined;
  const connected = (): Promise<Apis> => {
    apis ??= openApiClient(access, { timeoutMs, connectMs: CONNECT_MS }).then((client) => client.apis);
    return apis;
  };
  return connectionOf(async (call, send) => {
    circuit?.enter();
    try {
      const done = await send(await connected());
      circuit?.close();
      return done;
    } catch (error) {
      throw circuit === null ? classifyError(error, call) : judgeFailure(circuit, error, call);
    }
  });
}

/** A connection out of its calls. */
export function connectionOf(call: Connection["call"]): Connection {
  return {
    call,
    find: (of, send, isNone = () => false) =>
      call(of, (ready) =>
        send(ready).catch((error: unknown) => {
          if (isNotFound(error) || isNone(error)) return null;
          throw error;
        }),
      ),
  };
}
