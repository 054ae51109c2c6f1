import type {
  AdmissionregistrationV1Api,
  AppsV1Api,
  BatchV1Api,
  CoreV1Api,
  CustomObjectsApi,
  NetworkingV1Api,
  setHeaderOptions,
} from "@kubernetes/client-node";
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
  readonly custom: CustomObjectsApi;
  readonly mergePatch: ReturnType<typeof setHeaderOptions>;
  /** A typed specification back in the words of the wire. */
  toWire(value: unknown, type: string): unknown;
  /** Calls over a connection that is opened for these and closed after them. */
  fresh<T>(send: (apis: Apis) => Promise<T>): Promise<T>;
}

/** The client of one cluster with its sockets. */
export interface ApiClient {
  readonly apis: Apis;
  /** Lets go of the sockets, once what is under way has ended. */
  close(): Promise<void>;
}

/** How it is opened. */
export interface ApiClientOptions {
  /** The longest that one request may take. */
  readonly timeoutMs: number;
  /** The longest that a connection may take to come about; as long as a request unless told otherwise. */
  readonly connectMs?: number;
  /** The bearer token of the moment, asked for with each request; what `access` holds unless given. */
  readonly bearer?: () => string;
}

/** Loads the library and makes the client. TLS is always verified; it connects with the first request. */
export async function openApiClient(access: ClusterAccess, options: ApiClientOptions): Promise<ApiClient> {
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
    connect: {
      ...tlsOf(access),
      ...(options.connectMs === undefined ? {} : { timeout: options.connectMs }),
    },
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
            request.setSignal(AbortSignal.timeout(options.timeoutMs));
            if (options.bearer !== undefined) {
              request.setHeaderParam("Authorization", `Bearer ${options.bearer()}`);
            }
            return sdk.of(request);
          },
          post: (response) => sdk.of(response),
        },
      ],
    });
  const fresh: Apis["fresh"] = async (send) => {
    const other = await openApiClient(access, options);
    try {
      return await send(other.apis);
    } finally {
      await other.close();
    }
  };
  const apis = {
    fresh,
    core: new sdk.CoreV1Api(configuration()),
    apps: new sdk.AppsV1Api(configuration()),
    batch: new sdk.BatchV1Api(configuration()),
    networking: new sdk.NetworkingV1Api(configuration()),
    admission: new sdk.AdmissionregistrationV1Api(configuration()),
    custom: new sdk.CustomObjectsApi(configuration()),
    mergePatch: sdk.setHeaderOptions("Content-Type", sdk.PatchStrategy.MergePatch),
    toWire: (value: unknown, type: string): unknown => sdk.ObjectSerializer.serialize(value, type, ""),
  };
  return { apis, close: () => agent.close() };
}

function tlsOf({ authority, serverName, certificate }: ClusterAccess) {
  const pem = (data: string) => Buffer.from(data, "base64");
  return {
    ...(authority === undefined ? {} : { ca: pem(authority) }),
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(certificate === undefined ? {} : { cert: pem(certificate.data), key: pem(certificate.key) }),
  };
}
