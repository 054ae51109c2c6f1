import type {
  AdmissionregistrationV1Api,
  AppsV1Api,
  BatchV1Api,
  CoreV1Api,
  NetworkingV1Api,
  setHeaderOptions,
} from "@kubernetes/client-node";
import type { ApiCall } from "./api-call.ts";
import { classifyError, isNotFound } from "./classify-error.ts";
import type { ClusterAccess } from "./kubeconfig.ts";

/** More at once only queue up in the API server, which then throttles all clients of that identity. */
const MOST_CONNECTIONS = 16;
/** A list of ten thousand pods; whoever answers more would only fill our memory. */
const MOST_ANSWER_BYTES = 64 * 1024 * 1024;

/** The typed API of one cluster, with the options that make a patch a merge patch. */
export interface Apis {
  readonly core: CoreV1Api;
  readonly apps: AppsV1Api;
  readonly batch: BatchV1Api;
  readonly networking: NetworkingV1Api;
  readonly admission: AdmissionregistrationV1Api;
  readonly mergePatch: ReturnType<typeof setHeaderOptions>;
  /** A typed specification back in the words of the wire. */
  toWire(value: unknown, type: string): unknown;
}

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
    apis ??= connect(access, timeoutMs);
    return apis;
  };
  const attempt = async <T>(call: ApiCall, send: (apis: Apis) => Promise<T>): Promise<T> => {
    try {
      return await send(await connected());
    } catch (error) {
      throw classifyError(error, call);
    }
  };
  return {
    call: attempt,
    find: (call, send) =>
      attempt(call, (ready) =>
        send(ready).catch((error: unknown) => {
          if (isNotFound(error)) {
            return null;
          }
          throw error;
        }),
      ),
  };
}

async function connect(access: ClusterAccess, timeoutMs: number): Promise<Apis> {
  const sdk = await import("./sdk.ts");
  const config = new sdk.KubeConfig();
  config.loadFromClusterAndUser(
    {
      name: "cluster",
      server: access.server,
      skipTLSVerify: false,
      ...(access.authority === undefined ? {} : { caData: access.authority }),
      ...(access.serverName === undefined ? {} : { tlsServerName: access.serverName }),
    },
    {
      name: "user",
      ...(access.token === undefined ? {} : { token: access.token }),
      ...(access.certificate === undefined
        ? {}
        : { certData: access.certificate.data, keyData: access.certificate.key }),
    },
  );
  const agent = new sdk.Agent({
    connections: MOST_CONNECTIONS,
    maxResponseSize: MOST_ANSWER_BYTES,
    connect: tlsOf(access),
  });
  // The client would make a new agent, and so a new TLS connection, for every single request.
  Object.defineProperty(config, "createDispatcher", { value: () => agent });
  const configuration = () =>
    sdk.createConfiguration({
      baseServer: new sdk.ServerConfiguration(access.server, {}),
      authMethods: { default: config },
      middleware: [
        {
          pre: (request) => {
            // The client has no time limit of its own: a silent server would hold the call for ever.
            request.setSignal(AbortSignal.timeout(timeoutMs));
            return sdk.of(request);
          },
          post: (response) => sdk.of(response),
        },
      ],
    });
  return {
    core: new sdk.CoreV1Api(configuration()),
    apps: new sdk.AppsV1Api(configuration()),
    batch: new sdk.BatchV1Api(configuration()),
    networking: new sdk.NetworkingV1Api(configuration()),
    admission: new sdk.AdmissionregistrationV1Api(configuration()),
    mergePatch: sdk.setHeaderOptions("Content-Type", sdk.PatchStrategy.MergePatch),
    toWire: (value, type) => sdk.ObjectSerializer.serialize(value, type, ""),
  };
}

function tlsOf({ authority, serverName, certificate }: ClusterAccess) {
  const pem = (data: string) => Buffer.from(data, "base64");
  return {
    ...(authority === undefined ? {} : { ca: pem(authority) }),
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(certificate === undefined ? {} : { cert: pem(certificate.data), key: pem(certificate.key) }),
  };
}
