import type {
  AdmissionregistrationV1Api,
  ApisApi,
  AppsV1Api,
  AutoscalingV2Api,
  BatchV1Api,
  Configuration,
  CoreV1Api,
  CustomObjectsApi,
  NetworkingV1Api,
  PolicyV1Api,
  RbacAuthorizationV1Api,
  setHeaderOptions,
  V1ObjectMeta,
} from "@kubernetes/client-node";
import { httpLibrary } from "./http-library.ts";
import type { ClusterAccess } from "./kubeconfig.ts";
import { openRawGet, type RawGet } from "./raw-get.ts";

/** More at once only queue up in the API server, which then throttles all clients of that identity. */
const MOST_CONNECTIONS = 16;
/** A list of ten thousand pods; whoever answers more would only fill our memory. */
const MOST_ANSWER_BYTES = 64 * 1024 * 1024;

/** The longest that a connection to a cluster may take to come about. */
export const CONNECT_MS = 5_000;

/** The typed API of one cluster, with the options that make a patch a merge patch. */
export interface Apis {
  readonly core: CoreV1Api;
  readonly apps: AppsV1Api;
  readonly batch: BatchV1Api;
  readonly autoscaling: AutoscalingV2Api;
  readonly networking: NetworkingV1Api;
  readonly admission: AdmissionregistrationV1Api;
  readonly policy: PolicyV1Api;
  /** Which API groups there are. */
  readonly discovery: ApisApi;
  /** Kinds without a type; see `checkedCustom`. */
  readonly custom: CustomObjectsApi;
  readonly rbac: RbacAuthorizationV1Api;
  readonly jsonPatch: ReturnType<typeof setHeaderOptions>;
  readonly mergePatch: ReturnType<typeof setHeaderOptions>;
  readonly strategicPatch: ReturnType<typeof setHeaderOptions>;
  /** A typed specification back in the words of the wire. */
  toWire(value: unknown, type: string): unknown;
  /** A GET whose answer is taken as it comes. */
  readonly raw: RawGet;
  /** The metadata of an object without a type, as those of the others are. */
  metadataFromWire(value: unknown): V1ObjectMeta;
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
  /** The longest that a connection may take to come about. */
  readonly connectMs: number;
  /** The bearer token of the moment, asked for with each request; what `access` holds unless given. */
  readonly bearer?: () => string;
}

/** Loads the library and makes the client. TLS is always verified; it connects with the first request. */
export async function openApiClient(access: ClusterAccess, options: ApiClientOptions): Promise<ApiClient> {
  const sdk = await import("./sdk.ts");
  const httpApi = await httpLibrary();
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
      timeout: options.connectMs,
    },
  });
  // The client would make a new agent, and so a new TLS connection, for every single request.
  Object.defineProperty(config, "createDispatcher", { value: () => agent });
  const configuration = () =>
    sdk.createConfiguration({
      baseServer: new sdk.ServerConfiguration(access.server, {}),
      authMethods: { default: config },
      httpApi,
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
  const raw = openRawGet({
    request: sdk.request,
    dispatcher: agent,
    server: access.server,
    timeoutMs: options.timeoutMs,
    bearer: () => options.bearer?.() ?? access.token,
  });
  return { apis: apisOver(sdk, { configuration, raw, fresh }), close: () => agent.close() };
}

/** The typed API over whatever carries its requests. */
export function apisOver(
  sdk: typeof import("./sdk.ts"),
  { configuration, raw, fresh }: Pick<Apis, "raw" | "fresh"> & { configuration(): Configuration },
): Apis {
  return {
    fresh,
    core: new sdk.CoreV1Api(configuration()),
    apps: new sdk.AppsV1Api(configuration()),
    batch: new sdk.BatchV1Api(configuration()),
    autoscaling: new sdk.AutoscalingV2Api(configuration()),
    networking: new sdk.NetworkingV1Api(configuration()),
    admission: new sdk.AdmissionregistrationV1Api(configuration()),
    policy: new sdk.PolicyV1Api(configuration()),
    discovery: new sdk.ApisApi(configuration()),
    custom: new sdk.CustomObjectsApi(configuration()),
    rbac: new sdk.RbacAuthorizationV1Api(configuration()),
    jsonPatch: sdk.setHeaderOptions("Content-Type", sdk.PatchStrategy.JsonPatch),
    mergePatch: sdk.setHeaderOptions("Content-Type", sdk.PatchStrategy.MergePatch),
    strategicPatch: sdk.setHeaderOptions("Content-Type", sdk.PatchStrategy.StrategicMergePatch),
    toWire: (value: unknown, type: string): unknown => sdk.ObjectSerializer.serialize(value, type, ""),
    raw,
    metadataFromWire: (value: unknown): V1ObjectMeta =>
      sdk.ObjectSerializer.deserialize(value, "V1ObjectMeta", ""),
  };
}

function tlsOf({ authority, serverName, certificate }: ClusterAccess) {
  const pem = (data: string) => Buffer.from(data, "base64");
  return {
    // Also where the environment says otherwise.
    rejectUnauthorized: true,
    ...(authority === undefined ? {} : { ca: pem(authority) }),
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(certificate === undefined ? {} : { cert: pem(certificate.data), key: pem(certificate.key) }),
  };
}
