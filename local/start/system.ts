import { createHash, randomBytes } from "node:crypto";
import { join, resolve } from "node:path";
import { type Azurite, startAzurite } from "../azurite/index.ts";
import { startEntra } from "../entra/index.ts";
import { startEventHubs } from "../event-hubs/index.ts";
import { startMail } from "../mail/index.ts";
import { startTeams } from "../teams/index.ts";
import { type Api, openApi } from "./api.ts";
import { type LocalCluster, startCluster } from "./cluster.ts";
import { CONFIGURATION, writeConfiguration } from "./configuration.ts";
import { startDefender } from "./defender.ts";
import { makeContainer } from "./evidence.ts";
import { type BatchCounts, startFunctions } from "./functions.ts";
import { Observer } from "./observer.ts";
import type { StartOptions } from "./options.ts";
import { openReadBack, type ReadBack } from "./read-back.ts";
import type { StateFolder } from "./state-folder.ts";

/** What a local system is made from. */
export interface SystemOptions extends Pick<StartOptions, "port" | "mode" | "cluster"> {
  /** Root of the project: the built app, host.json, configuration and manifests are found from here. */
  readonly root: string;
  /** Folder of the samples, with the objects of the stand-in's cluster. */
  readonly samples: string;
  /** False: only a tick makes the sweep run. */
  readonly timers: boolean;
  onBatch(counts: BatchCounts): void;
  onTrouble(sentence: string): void;
}

/** The whole product on stand-ins of everything around it. */
export interface LocalSystem {
  readonly url: string;
  readonly key: string;
  /** Where a token of the local tenant is to be had. */
  readonly token: string;
  readonly kubeconfig: string;
  /** Where it keeps what it knows of its cluster. */
  readonly data: StateFolder;
  readonly api: Api;
  readonly readBack: ReadBack;
  readonly observer: Observer;
  /** Puts one event into the hub, as continuous export does. */
  send(body: string): void;
  /** Ends every process and server, and saves. */
  stop(): Promise<void>;
}

const HUB = "alerts";
const EVIDENCE = "evidence";
/** What the `reflex` command reads to find a local system. */
const ADDRESS = "local.json";

/** Starts all of it. When one part does not start, what has started is ended, and its error goes on. */
export async function startSystem(folder: StateFolder, options: SystemOptions): Promise<LocalSystem> {
  const closers: (() => Promise<unknown>)[] = [];
  const stop = async (): Promise<void> => {
    for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close();
  };
  try {
    return await startParts(folder, options, closers, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startParts(
  folder: StateFolder,
  options: SystemOptions,
  closers: (() => Promise<unknown>)[],
  stop: () => Promise<void>,
): Promise<LocalSystem> {
  const { root, port, mode, timers, onBatch, onTrouble } = options;
  const data = dataFolder(folder, options.cluster);
  const storage: Azurite = await startAzurite({ directory: data.folder("azurite").path });
  closers.push(() => storage.stop());
  storage.onLost = () => onTrouble("The stand-in of the tables has ended. Stop with Ctrl-C and start again.");
  await makeContainer(storage.connectionString, EVIDENCE);
  const hubs = await startEventHubs({
    directory: data.folder("hub").path,
    hubs: { [HUB]: { partitions: 4 } },
  });
  closers.push(() => hubs.close());
  const arm = await startDefender(hubs.hub(HUB));
  closers.push(() => arm.stop());
  const teams = await startTeams();
  closers.push(() => teams.stop());
  const mail = await startMail();
  closers.push(() => mail.stop());
  const entra = await startEntra();
  closers.push(() => entra.stop());
  const cluster = options.cluster === null ? await startStandIn(data, options) : null;
  if (cluster !== null) closers.push(() => cluster.close());

  const kubeconfig = options.cluster?.kubeconfig ?? cluster?.kubeconfig ?? "";
  const context = options.cluster?.context ?? null;
  writeConfiguration(data, join(root, "local/reflex.yaml"), { kubeconfig, context });
  const key = randomBytes(24).toString("hex");
  const functions = await startFunctions({
    appFile: join(root, "dist/main.js"),
    hostFile: join(root, "host.json"),
    port,
    keys: { host: key, master: randomBytes(24).toString("hex") },
    checkpointDirectory: data.folder("checkpoints").path,
    timers,
    logFile: join(data.path, "functions.log"),
    onBatch,
    onTrouble,
    env: {
      REFLEX_CONFIG: join(data.path, CONFIGURATION),
      REFLEX_STATE: storage.connectionString,
      REFLEX_EVIDENCE: storage.connectionString,
      REFLEX_EVIDENCE_CONTAINER: EVIDENCE,
      REFLEX_EVENTS: hubs.connectionString,
      REFLEX_EVENTS_HUB: HUB,
      REFLEX_TEAMS_URL: teams.webhookUrl,
      REFLEX_SMTP_URL: `smtp://${mail.host}:${mail.port}`,
      ...entra.settings,
      ...arm.settings,
      ...(mode === null ? {} : { REFLEX_MODE: mode }),
    },
  });
  closers.push(() => functions.stop());
  const url = functions.url.replace("127.0.0.1", "localhost");
  folder.write(
    ADDRESS,
    JSON.stringify({ url, key, token: entra.tokenUrl, events: hubs.connectionString, hub: HUB }),
  );
  closers.push(async () => folder.remove(ADDRESS));

  const api = openApi(functions.url, { key, token: entra.tokenUrl });
  const channels = { teams: teams.url, mail: mail.url };
  const readBack = openReadBack({ url: cluster?.standIn.url ?? "", token: cluster?.token ?? "" }, channels);
  return {
    url,
    key,
    token: entra.tokenUrl,
    kubeconfig,
    data,
    api,
    readBack,
    observer: new Observer(api, readBack, cluster?.standIn.effects ?? []),
    send: (body) => void hubs.hub(HUB).append(undefined, Buffer.from(body)),
    stop,
  };
}

/** What was done on one cluster must never be taken back on another: each real one has a folder of its own. */
function dataFolder(folder: StateFolder, cluster: StartOptions["cluster"]): StateFolder {
  if (cluster === null) return folder;
  const which = JSON.stringify([resolve(cluster.kubeconfig), cluster.context]);
  return folder.folder(`cluster-${createHash("sha256").update(which).digest("hex").slice(0, 12)}`);
}

function startStandIn(folder: StateFolder, { root, samples }: SystemOptions): Promise<LocalCluster> {
  return startCluster(folder, { infra: join(root, "infra/kubernetes"), samples: join(samples, "cluster") });
}
