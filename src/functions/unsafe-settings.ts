import { isLoopback } from "../clients/loopback.ts";

/** The app settings as they came: names and values of the environment. */
export type Settings = Readonly<Record<string, string | undefined>>;

const SWITCHES = ["REFLEX_LOCAL", "REFLEX_TRUST_EASY_AUTH", "REFLEX_ALLOW_KEYS", "REFLEX_ALLOW_PRIVATE_MAIL"];
/** Settings that may hold a whole connection: our state, the hub, evidence, and the host's own storage with its keys. */
const CONNECTIONS = ["REFLEX_STATE", "REFLEX_EVENTS", "REFLEX_EVIDENCE", "AzureWebJobsStorage"];
const ADDRESSES = ["REFLEX_STATE__tableServiceUri", "REFLEX_EVIDENCE__blobServiceUri", "REFLEX_CONSOLE_URL"];
const SECRET_PART = /(?:^|;)\s*(?:AccountKey|SharedAccessKey|SharedAccessSignature)\s*=\s*[^;\s]/i;
const DEBUGGER = /--(?:inspect|debug)\b/;
const WEAKER_TLS = /--(?:tls-min-v1\.[01]|tls-keylog|insecure-http-parser)\b/;

/**
 * Why the app must not start with these settings: one sentence each, with what to do and never a value that may be
 * secret; empty where they are safe. Keys and debuggers are refused where the platform says that this is Azure.
 */
export function unsafeSettings(settings: Settings): readonly string[] {
  return [
    ...switchesOf(settings),
    ...(isInAzure(settings) ? inAzure(settings) : []),
    ...ADDRESSES.flatMap((name) => plainHttp(name, settings[name] ?? "")),
    ...CONNECTIONS.flatMap((name) => plainConnection(name, settings[name] ?? "")),
    ...identityOf(settings),
    ...runtimeOf(settings),
  ];
}

/** The platform sets the first two in every app; the host sets the last. */
function isInAzure(settings: Settings): boolean {
  const environment = settings["AZURE_FUNCTIONS_ENVIRONMENT"];
  return (
    has(settings, "WEBSITE_INSTANCE_ID") ||
    has(settings, "WEBSITE_SITE_NAME") ||
    environment === "Production" ||
    environment === "Staging"
  );
}

/** A switch that is neither on nor off would silently be off. */
function switchesOf(settings: Settings): string[] {
  return SWITCHES.flatMap((name) =>
    ["", "true", "false"].includes(settings[name] ?? "")
      ? []
      : [`${name} is neither true nor false. Write true or false, or take it away.`],
  );
}

function inAzure(settings: Settings): string[] {
  const found: string[] = [];
  if (settings["REFLEX_LOCAL"] === "true") {
    found.push(
      "REFLEX_LOCAL is true in Azure: it is for the stand-ins of one machine, without certificates. Take it away.",
    );
  }
  if (settings["REFLEX_ALLOW_KEYS"] !== "true") {
    for (const name of CONNECTIONS.filter((one) => SECRET_PART.test(settings[one] ?? ""))) {
      found.push(
        `${name} holds a key: whoever reads the settings could write there. Use the app's identity (${name}__…), or set REFLEX_ALLOW_KEYS to true and accept that.`,
      );
    }
  }
  if (/UseDevelopmentEmulator\s*=\s*true/i.test(settings["REFLEX_EVENTS"] ?? "")) {
    found.push("REFLEX_EVENTS is the connection of an emulator, which uses no TLS. Use the hub in Azure.");
  }
  for (const name of ["NODE_OPTIONS", "languageWorkers__node__arguments"]) {
    if (DEBUGGER.test(settings[name] ?? "")) {
      found.push(`${name} opens a debugger, which can do all that the app can. Take --inspect away.`);
    }
  }
  if (has(settings, "NODE_DEBUG")) {
    found.push("NODE_DEBUG writes headers, and with them tokens, to the log. Take it away.");
  }
  return found;
}

function plainHttp(name: string, address: string): string[] {
  const url = address === "" ? null : URL.parse(address);
  if (address === "" || url?.protocol === "https:" || (url !== null && isLoopback(url.hostname))) return [];
  return [`${name} is not an https address. Use https.`];
}

/** Endpoints in a connection string of Storage that go over plain HTTP to another machine. */
function plainConnection(name: string, connection: string): string[] {
  const parts = connection.split(";").map((part) => part.trim());
  const endpoints = parts.flatMap((part) => /^\w*Endpoint=(http:.*)$/i.exec(part)?.[1] ?? []);
  const elsewhere = endpoints.some((endpoint) => {
    const url = URL.parse(endpoint);
    return url === null || !isLoopback(url.hostname);
  });
  const byProtocol =
    endpoints.length === 0 && parts.some((part) => /^DefaultEndpointsProtocol=http$/i.test(part));
  return elsewhere || byProtocol ? [`${name} names an endpoint over plain http. Use https.`] : [];
}

function identityOf(settings: Settings): string[] {
  const trusts = settings["REFLEX_TRUST_EASY_AUTH"] === "true";
  const isOn = /^true$/i.test(settings["WEBSITE_AUTH_ENABLED"] ?? "");
  return trusts && !isOn
    ? [
        "REFLEX_TRUST_EASY_AUTH is true, but the platform does not say that its authentication is on (WEBSITE_AUTH_ENABLED): anybody could send the header. Turn the authentication on, or take the setting away.",
      ]
    : [];
}

function runtimeOf(settings: Settings): string[] {
  const found: string[] = [];
  if (settings["NODE_TLS_REJECT_UNAUTHORIZED"] === "0") {
    found.push("NODE_TLS_REJECT_UNAUTHORIZED is 0: no certificate would be checked. Take it away.");
  }
  if (WEAKER_TLS.test(settings["NODE_OPTIONS"] ?? "")) {
    found.push("NODE_OPTIONS weakens TLS or the reading of HTTP. Take that option away.");
  }
  return found;
}

function has(settings: Settings, name: string): boolean {
  return (settings[name] ?? "") !== "";
}
