import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { createChannels } from "./clients/channels.ts";
import { openClusters } from "./clients/clusters.ts";
import type { Engine } from "./engine/engine.ts";
import { RecentSignals } from "./engine/recent-signals.ts";
import { registerAlerts } from "./functions/alerts.ts";
import { registerHealth } from "./functions/health.ts";
import type { OpenEngine } from "./functions/http-function.ts";
import { registerRemediations } from "./functions/remediations.ts";
import { registerRuns } from "./functions/runs.ts";
import { registerSweep } from "./functions/sweep.ts";
import { lowestMode, MODES } from "./model/mode.ts";
import { composeCard, composeMail } from "./notify/index.ts";
import { playbooks } from "./playbooks/index.ts";
import { type Configuration, parseConfiguration } from "./rules/index.ts";
import { openTable, type TableSettings } from "./store/open-table.ts";
import type { Table } from "./store/table.ts";

// Composition root in Azure: registers the functions, reads the settings, checks the configuration and builds the
// clients, which load when first needed. It raises, and so the app does not start, on anything that is wrong.

// Registered first of all: the worker passes on why an app failed to load only when there is a function; before that
// the host sees an app without functions and starts it.
const openEngine: OpenEngine = () => openPrepared();
registerAlerts(openEngine);
registerSweep(openEngine);
registerRuns(openEngine);
registerRemediations(openEngine);
registerHealth(openEngine);

const appFolder = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const configurationFile = resolve(appFolder, process.env["REFLEX_CONFIG"] ?? "reflex.yaml");
const configuration = readConfiguration(configurationFile);
const table = openTable(tableSettings(), process.env["REFLEX_STATE_TABLE"] ?? "reflex");
const links = { console: process.env["REFLEX_CONSOLE_URL"] };
const engine: Engine = {
  table,
  configuration,
  playbooks: new Map(playbooks.map((playbook) => [playbook.name, playbook])),
  ports: openClusters(configuration.clusters, (path) =>
    readFileSync(resolve(dirname(configurationFile), path), "utf8"),
  ),
  channels: createChannels(
    configuration.channels,
    (name) => process.env[name],
    { card: (messages) => composeCard(messages, links), mail: (messages) => composeMail(messages, links) },
    // The stand-ins of a local start have no certificates.
    { allowLoopback: process.env["REFLEX_LOCAL"] === "true" },
  ),
  clock: { now: () => new Date() },
  randomness: {
    hex: (digits) =>
      randomBytes(Math.ceil(digits / 2))
        .toString("hex")
        .slice(0, digits),
  },
  log: (entry) => process.stdout.write(`${JSON.stringify(entry)}\n`),
  recent: new RecentSignals(),
};

const openPrepared = prepareOnce(table, engine);

function readConfiguration(file: string): Configuration {
  const parsed = parseConfiguration(readFileSync(file, "utf8"), file, playbooks);
  if ("errors" in parsed) {
    const lines = parsed.errors.map(
      (error) => `${error.file}:${error.line}:${error.column} ${error.message}`,
    );
    throw new Error(`The configuration is wrong; the app does not start.\n${lines.join("\n")}`);
  }
  const asked = process.env["REFLEX_MODE"];
  if (asked === undefined || asked === "") return parsed.configuration;
  const ceiling = MODES.find((mode) => mode === asked);
  if (ceiling === undefined) throw new Error(`REFLEX_MODE is ${asked}; use one of ${MODES.join(", ")}.`);
  return { ...parsed.configuration, ceiling: lowestMode(parsed.configuration.ceiling, ceiling) };
}

function tableSettings(): TableSettings {
  const connectionString = process.env["REFLEX_STATE"];
  if (connectionString !== undefined && connectionString !== "") return { connectionString };
  const endpoint = process.env["REFLEX_STATE__tableServiceUri"];
  if (endpoint === undefined || endpoint === "") {
    throw new Error(
      "Set REFLEX_STATE__tableServiceUri to the table endpoint of the state account (or REFLEX_STATE to a connection string).",
    );
  }
  const clientId = process.env["REFLEX_STATE__clientId"];
  // Loaded with the first token: a cold start does not wait for it.
  const load = async () => {
    const { ManagedIdentityCredential } = await import("./clients/identity.ts");
    return new ManagedIdentityCredential(clientId === undefined ? {} : { clientId });
  };
  let identity: ReturnType<typeof load> | undefined;
  return {
    endpoint,
    credential: {
      getToken: async (scopes) => {
        identity ??= load();
        return (await identity).getToken(scopes);
      },
    },
  };
}

/** Makes the table before the first use; a failure is tried again with the next use. */
function prepareOnce(store: Table, made: Engine): OpenEngine {
  let prepared: Promise<void> | undefined;
  return async () => {
    prepared ??= store.prepare();
    try {
      await prepared;
    } catch (error) {
      prepared = undefined;
      throw error;
    }
    return made;
  };
}
