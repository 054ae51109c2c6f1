import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { createArm, openArmAccess } from "./clients/arm/index.ts";
import { createAzureFacts } from "./clients/azure-facts.ts";
import { createChannels } from "./clients/channels.ts";
import { openClusters } from "./clients/clusters.ts";
import { createDefender } from "./clients/defender/index.ts";
import { entraSettings } from "./clients/entra/entra-settings.ts";
import { openIdentify } from "./clients/entra/identify.ts";
import { createVault } from "./clients/key-vault/index.ts";
import { managedIdentity } from "./clients/managed-identity.ts";
import { noteConfiguration } from "./engine/configuration-history.ts";
import type { Engine } from "./engine/engine.ts";
import { goesByCommand } from "./engine/pace.ts";
import { RecentSignals } from "./engine/recent-signals.ts";
import { Switches } from "./engine/switches.ts";
import { registerAlerts } from "./functions/alerts.ts";
import { registerAudit } from "./functions/audit.ts";
import { registerDecisions } from "./functions/decisions.ts";
import { registerHealth } from "./functions/health.ts";
import type { Api, OpenEngine } from "./functions/http-function.ts";
import { registerParked } from "./functions/parked.ts";
import { registerPauses } from "./functions/pauses.ts";
import { registerRemediations } from "./functions/remediations.ts";
import { registerReport } from "./functions/report.ts";
import { registerRuns } from "./functions/runs.ts";
import { registerSlowSweep } from "./functions/slow-sweep.ts";
import { registerSweep } from "./functions/sweep.ts";
import { unsafeSettings } from "./functions/unsafe-settings.ts";
import type { EvidenceStore } from "./model/evidence-port.ts";
import type { Log } from "./model/log.ts";
import { lowestMode, MODES } from "./model/mode.ts";
import { visibleJson } from "./model/visible-text.ts";
import { composeCard, composeMail } from "./notify/index.ts";
import { playbooks } from "./playbooks/index.ts";
import { type Configuration, parseConfiguration } from "./rules/index.ts";
import { openEvidence } from "./store/open-evidence.ts";
import { openTable, type TableSettings } from "./store/open-table.ts";
import type { Table } from "./store/table.ts";

// Composition root in Azure: registers the functions, reads the settings, checks the configuration and builds the
// clients, which load when first needed. It raises, and so the app does not start, on anything that is wrong.

// Registered first of all: the worker passes on why an app failed to load only when there is a function; before that
// the host sees an app without functions and starts it.
const openEngine: OpenEngine = () => openPrepared();
const api: Api = { openEngine, authenticate: ({ headers }) => identify(headers) };
registerAlerts(openEngine);
registerSweep(openEngine);
registerRuns(api);
registerRemediations(api);
registerDecisions(api);
registerPauses(api);
registerReport(api);
registerParked(api);
registerAudit(api);
registerHealth(api);

// Put in when the bundle is made; without one this runs from its sources.
declare const REFLEX_BUILD: string | undefined;

const unsafe = unsafeSettings(process.env);
if (unsafe.length > 0) {
  throw new Error(`The settings are unsafe; the app does not start.\n${unsafe.join("\n")}`);
}
const clock = { now: () => new Date() };
const log: Log = (entry) => process.stdout.write(`${visibleJson(entry)}\n`);
/** A setting; an empty one is none. */
const setting = (name: string): string | undefined => process.env[name] || undefined;
const isLocal = setting("REFLEX_LOCAL") === "true";
const appFolder = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const configurationFile = resolve(appFolder, setting("REFLEX_CONFIG") ?? "reflex.yaml");
const configuration = readConfiguration(configurationFile);
const table = openTable(tableSettings(), setting("REFLEX_STATE_TABLE") ?? "reflex");
const links = { console: setting("REFLEX_CONSOLE_URL") };
const identify = openIdentify(entraSettings(setting), clock);
const appIdentity = managedIdentity(setting("REFLEX_ARM__clientId"));
const armAccess = openArmAccess({
  credential: appIdentity,
  endpoint: setting("REFLEX_ARM__endpoint"),
  allowLoopback: isLocal,
});
const arm = createArm(armAccess);
const clusters = openClusters(configuration.clusters, {
  readKubeconfig: (path) => readFileSync(resolve(dirname(configurationFile), path), "utf8"),
  setting,
  allowLoopback: isLocal,
  arm,
  credential: appIdentity,
  vault: createVault({ credential: appIdentity, timeoutMs: 10_000, standIn: null }),
  clock,
  log,
});
const evidence = openEvidencePort();
const engine: Engine = {
  table,
  configuration,
  playbooks: new Map(playbooks.map((playbook) => [playbook.name, playbook])),
  ports: { read: { ...clusters.read, ...evidence }, write: { ...clusters.write, ...evidence } },
  channels: createChannels(
    configuration.channels,
    setting,
    { card: (messages) => composeCard(messages, links), mail: (messages) => composeMail(messages, links) },
    // The stand-ins of a local start have no certificates.
    { allowLoopback: isLocal, allowPrivateMail: setting("REFLEX_ALLOW_PRIVATE_MAIL") === "true" },
  ),
  clock,
  randomness: {
    hex: (digits) =>
      randomBytes(Math.ceil(digits / 2))
        .toString("hex")
        .slice(0, digits),
  },
  log,
  recent: new RecentSignals(),
  defender: createDefender(armAccess),
  azure: createAzureFacts(arm, clock),
  held: setting("REFLEX_MODE") === "off",
  build: typeof REFLEX_BUILD === "string" ? REFLEX_BUILD : "sources",
  switches: new Switches(table, clock),
};

const openPrepared = prepareOnce(table, engine);
// On its own, so that it costs nothing where no cluster needs it.
if (configuration.clusters.some(goesByCommand)) registerSlowSweep(openEngine);

function readConfiguration(file: string): Configuration {
  const parsed = parseConfiguration(readFileSync(file, "utf8"), file, playbooks, clock.now());
  if ("errors" in parsed) {
    const lines = parsed.errors.map(
      (error) => `${error.file}:${error.line}:${error.column} ${error.message}`,
    );
    throw new Error(`The configuration is wrong; the app does not start.\n${lines.join("\n")}`);
  }
  for (const { line, message } of parsed.warnings) {
    log({ level: "warning", event: "configuration", facts: { line, message } });
  }
  const asked = setting("REFLEX_MODE");
  if (asked === undefined) return parsed.configuration;
  const ceiling = MODES.find((mode) => mode === asked);
  if (ceiling === undefined) throw new Error(`REFLEX_MODE is ${asked}; use one of ${MODES.join(", ")}.`);
  // "off" is the kill switch: it holds every forward write and decides nothing away.
  if (ceiling === "off") return parsed.configuration;
  return { ...parsed.configuration, ceiling: lowestMode(parsed.configuration.ceiling, ceiling) };
}

function tableSettings(): TableSettings {
  const settings = accountSettings("REFLEX_STATE", "tableServiceUri");
  if (settings === null) {
    throw new Error(
      "Set REFLEX_STATE__tableServiceUri to the table endpoint of the state account (or REFLEX_STATE to a connection string).",
    );
  }
  return settings;
}

/** Where evidence is kept, if anywhere: without it the playbook that collects it is refused, and says so. */
function openEvidencePort(): { readonly evidence?: EvidenceStore } {
  const settings = accountSettings("REFLEX_EVIDENCE", "blobServiceUri");
  const container = setting("REFLEX_EVIDENCE_CONTAINER") ?? "evidence";
  return settings === null ? {} : { evidence: openEvidence({ ...settings, container }) };
}

/** A storage account: a connection string under the name itself, or an endpoint and an identity beside it. */
function accountSettings(name: string, endpointName: string): TableSettings | null {
  const connectionString = setting(name);
  if (connectionString !== undefined) return { connectionString };
  const endpoint = setting(`${name}__${endpointName}`);
  if (endpoint === undefined) return null;
  return { endpoint, credential: managedIdentity(setting(`${name}__clientId`)) };
}

/** Makes the table before the first use; a failure is tried again with the next use. */
function prepareOnce(store: Table, made: Engine): OpenEngine {
  let prepared: Promise<void> | undefined;
  return async () => {
    prepared ??= store.prepare().then(() => noteConfiguration(made));
    try {
      await prepared;
    } catch (error) {
      prepared = undefined;
      throw error;
    }
    return made;
  };
}
