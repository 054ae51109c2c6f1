import type { ApiCall } from "./api-call.ts";
import { type Apis, openApiClient } from "./api-client.ts";
import { classifyError, isNotFound } from "./classify-error.ts";
import type { ClusterAccess } from "./kubeconfig.ts";

export type { Apis } from "./api-client.ts";

/** Calls of one cluster. Both raise our own errors only. */
export interface Connection {
  call<T>(call: ApiCall, send: (apis: Apis) => Promise<T>): Promise<T>;
  /** As `call`; null where the API server says that the object is not there. */
  find<T>(call: ApiCall, send: (apis: Apis) => Promise<T>): Promise<T | null>;
}

/** A connection that loads the client with its first call, and then keeps its sockets. */
export function openConnection(access: ClusterAccess, timeoutMs: number): Connection {
  let apis: Promise<Apis> | undefined;
  const connected = (): Promise<Apis> => {
    apis ??= openApiClient(access, { timeoutMs }).then((client) => client.apis);
    return apis;
  };
  const attempt = async <T>(call: ApiCall, send: (apis: Apis) => Promise<T>): Promise<T> => {
    try {
      return await send(await connected());
    } catch (error) {
      throw classifyError(error, call);
    }
  };
  return connectionOf(attempt);
}

/** A connection out of its calls. */
export function connectionOf(call: Connection["call"]): Connection {
  return {
    call,
    find: (of, send) =>
      call(of, (ready) =>
        send(ready).catch((error: unknown) => {
          if (isNotFound(error)) {
            return null;
          }
          throw error;
        }),
      ),
  };
}
