import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { ContainerClient, StorageSharedKeyCredential } from "@azure/storage-blob";
import { afterAll, afterEach, beforeAll } from "vitest";
import type { ArmStandIn } from "../../../local/arm/index.ts";
import type { Json } from "../../../local/arm/json.ts";
import { type Azurite, startAzurite } from "../../../local/azurite/index.ts";
import { createArm } from "../../../src/clients/arm/index.ts";
import { openClusters } from "../../../src/clients/clusters.ts";
import { openContainer } from "../../../src/clients/flux/open-container.ts";
import type { ClusterNames } from "../../../src/model/main-cluster.ts";
import type { WritePorts } from "../../../src/model/playbook.ts";
import { CLUSTER } from "../../playbooks/cluster-objects.ts";
import { armBench } from "../arm/arm-bench.ts";
import { PLAIN_MEANS } from "../plain-means.ts";

/** The account as Azure would name it; it is the emulator's. */
export const ACCOUNT = "https://reflexblobs.blob.core.windows.net";
/** The cluster as Azure knows it through Arc; the targets of the tests name it otherwise. */
export const ARC =
  "/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333/resourceGroups/edge/providers/Microsoft.Kubernetes/connectedClusters/edge";
/** The name of the one blob. */
export const BLOB = "blocked-images.yaml";

/** What becomes of the next request to the account: an answer of its own, an answer that gets lost, or what happens before it. */
export interface Mishap {
  readonly method: "GET" | "PUT";
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly lost?: true;
  readonly before?: () => Promise<unknown>;
}

/** Resource Manager, the emulator with a container of its own behind a line that can fail, and apps beside each other. */
export interface FluxBench {
  readonly arm: ArmStandIn;
  /** The container, past the line. */
  readonly container: ContainerClient;
  readonly url: string;
  /** Requests to the account, as `PUT 201`; 0: no answer went out. */
  readonly requests: string[];
  readonly mishaps: Mishap[];
  /** Azure knows this Flux configuration from now on; null: none. */
  show(more?: Json | null): void;
  /** Time goes on only when told. */
  pass(ms: number): void;
  /** The ports of another process. */
  app(): WritePorts;
  /** What lies there. */
  text(): Promise<string | null>;
  put(text: string): Promise<unknown>;
  close(): Promise<void>;
}

/** Opens benches on one emulator for the tests of a file, each with a container of its own, and closes them after each. */
export function fluxBenches(
  prefix: string,
): (ids?: Pick<ClusterNames, "id" | "aliases">) => Promise<FluxBench> {
  let azurite: Azurite;
  let count = 0;
  const open: FluxBench[] = [];
  beforeAll(async () => {
    azurite = await startAzurite();
  });
  afterAll(() => azurite.stop());
  afterEach(async () => {
    await Promise.all(open.splice(0).map((one) => one.close()));
  });
  return async (ids) => {
    count += 1;
    const bench = await fluxBench(azurite, `${prefix}-${count}`, ids);
    open.push(bench);
    return bench;
  };
}

/** Starts it; the configuration is good until told otherwise. */
async function fluxBench(
  azurite: Azurite,
  name: string,
  ids: Pick<ClusterNames, "id" | "aliases"> = { id: ARC, aliases: [CLUSTER] },
): Promise<FluxBench> {
  const { arm, access, credential } = await armBench();
  const key = new StorageSharedKeyCredential(azurite.account, azurite.accountKey);
  const container = new ContainerClient(`${azurite.blobUrl}/${name}`, key);
  await container.create();
  const requests: string[] = [];
  const mishaps: Mishap[] = [];
  const line = await startLine(azurite.blobPort, mishaps, requests);
  let now = Date.parse("2026-03-02T08:00:00.000Z");
  const blob = container.getBlockBlobClient(BLOB);
  const bench: FluxBench = {
    arm,
    container,
    url: `${ACCOUNT}/${name}`,
    requests,
    mishaps,
    show: (more = {}) =>
      arm.documents.setFluxConfiguration(
        ids.id,
        "reflex",
        more === null ? null : { ...goodConfiguration(name), ...more },
      ),
    pass: (ms) => {
      now += ms;
    },
    app: () =>
      openClusters(
        [
          {
            name: "edge",
            ...ids,
            connect: [{ kind: "flux", container: `${ACCOUNT}/${name}`, configuration: "reflex" }],
          },
        ],
        {
          ...PLAIN_MEANS,
          arm: createArm(access),
          credential,
          clock: { now: () => new Date(now) },
          timeoutMs: 5_000,
          openContainer: (url) =>
            openContainer(url.replace(ACCOUNT, `http://127.0.0.1:${line.port}/${azurite.account}`), key),
        },
      ),
    text: async () => ((await blob.exists()) ? (await blob.downloadToBuffer()).toString() : null),
    put: (text) => blob.upload(text, Buffer.byteLength(text)),
    close: async () => {
      await line.close();
      await arm.stop();
    },
  };
  bench.show();
  return bench;
}

/** A configuration that fetches from the container and applies what it finds. */
export function goodConfiguration(name: string): Json {
  return {
    scope: "cluster",
    namespace: "defender-reflex-flux",
    sourceKind: "AzureBlob",
    suspend: false,
    gitRepository: null,
    azureBlob: {
      url: ACCOUNT,
      containerName: name,
      timeoutInSeconds: 600,
      syncIntervalInSeconds: 60,
      sasToken: null,
    },
    kustomizations: {
      list: { name: "list", path: "", prune: true, force: false, syncIntervalInSeconds: 60 },
    },
    statuses: null,
    complianceState: "Compliant",
    statusUpdatedAt: "2026-03-02T07:58:00Z",
    provisioningState: "Succeeded",
  };
}

async function startLine(
  port: number,
  mishaps: Mishap[],
  requests: string[],
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const serve = async (from: IncomingMessage, to: ServerResponse): Promise<void> => {
    const { method = "GET" } = from;
    const body = await buffer(from);
    const at = mishaps.findIndex((one) => one.method === method);
    const [mishap] = at < 0 ? [] : mishaps.splice(at, 1);
    await mishap?.before?.();
    if (mishap?.status !== undefined) {
      requests.push(`${method} ${mishap.status}`);
      to.writeHead(mishap.status, { ...mishap.headers }).end();
      return;
    }
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const onward = { port, host: "127.0.0.1", path: from.url, method, headers: from.headers };
      request(onward, resolve).on("error", reject).end(body);
    });
    const bytes = await buffer(answer);
    if (mishap?.lost === true) {
      requests.push(`${method} 0`);
      to.destroy();
      return;
    }
    requests.push(`${method} ${answer.statusCode}`);
    const { "transfer-encoding": _chunked, ...headers } = answer.headers;
    to.writeHead(answer.statusCode ?? 0, headers).end(bytes);
  };
  const server = createServer((from, to) => {
    serve(from, to).catch(() => to.destroy());
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}
