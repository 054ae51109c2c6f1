import { describe, expect, it } from "vitest";
import { unsafeSettings } from "../../src/functions/unsafe-settings.ts";

const KEY = "c2VjcmV0LWtleQ==";
const STATE = `DefaultEndpointsProtocol=https;AccountName=a;AccountKey=${KEY};EndpointSuffix=core.windows.net`;
const EVENTS = `Endpoint=sb://ns.servicebus.windows.net/;SharedAccessKeyName=a;SharedAccessKey=${KEY}`;
const AZURITE = `DefaultEndpointsProtocol=http;AccountName=a;AccountKey=${KEY};TableEndpoint=http://127.0.0.1:10002/a;`;

/** An app in Azure as the template sets it up. */
const AZURE = {
  WEBSITE_INSTANCE_ID: "i1",
  WEBSITE_SITE_NAME: "reflex",
  AZURE_FUNCTIONS_ENVIRONMENT: "Production",
  REFLEX_STATE__tableServiceUri: "https://state.table.core.windows.net",
  REFLEX_EVENTS__fullyQualifiedNamespace: "ns.servicebus.windows.net",
  REFLEX_CONSOLE_URL: "https://reflex.example.com/",
  AzureWebJobsStorage__accountName: "host",
};

describe("settings with which the app does not start", () => {
  it.each([
    ["a local start in Azure", { REFLEX_LOCAL: "true" }, "REFLEX_LOCAL is true in Azure"],
    ["a key of the state's account", { REFLEX_STATE: STATE }, "REFLEX_STATE holds a key"],
    ["a key of the hub", { REFLEX_EVENTS: EVENTS }, "REFLEX_EVENTS holds a key"],
    ["a key of the host's account", { AzureWebJobsStorage: STATE }, "AzureWebJobsStorage holds a key"],
    [
      "a signature instead of a key",
      { REFLEX_STATE: `TableEndpoint=https://a.table.core.windows.net;SharedAccessSignature=${KEY}` },
      "REFLEX_STATE holds a key",
    ],
    [
      "an emulator of the hub",
      { REFLEX_EVENTS: "Endpoint=sb://x;UseDevelopmentEmulator=true;" },
      "connection of an emulator",
    ],
    ["a debugger", { NODE_OPTIONS: "--max-old-space-size=400 --inspect=0.0.0.0:9229" }, "opens a debugger"],
    ["a debugger of the worker", { languageWorkers__node__arguments: "--inspect-brk" }, "opens a debugger"],
    ["headers in the log", { NODE_DEBUG: "http" }, "NODE_DEBUG writes headers"],
  ])("are refused in Azure: %s", (_what, more, words) => {
    const found = unsafeSettings({ ...AZURE, ...more });
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(words);
    expect(found[0]).not.toContain(KEY);
    expect(unsafeSettings({ ...AZURE })).toEqual([]);
  });

  it.each([
    ["the app's name", { WEBSITE_SITE_NAME: "reflex" }],
    ["an instance", { WEBSITE_INSTANCE_ID: "i1" }],
    ["production", { AZURE_FUNCTIONS_ENVIRONMENT: "Production" }],
    ["staging", { AZURE_FUNCTIONS_ENVIRONMENT: "Staging" }],
  ])("are refused where %s alone says that this is Azure", (_what, env) => {
    expect(unsafeSettings({ ...env, REFLEX_LOCAL: "true" })).toHaveLength(1);
  });

  it.each([
    [
      "certificates that nobody checks",
      { NODE_TLS_REJECT_UNAUTHORIZED: "0" },
      "NODE_TLS_REJECT_UNAUTHORIZED is 0",
    ],
    ["old TLS", { NODE_OPTIONS: "--tls-min-v1.0" }, "weakens TLS"],
    ["keys of TLS in a file", { NODE_OPTIONS: "--tls-keylog=/tmp/k" }, "weakens TLS"],
    ["a loose reader of HTTP", { NODE_OPTIONS: "--insecure-http-parser" }, "weakens TLS"],
    [
      "state over plain http",
      { REFLEX_STATE__tableServiceUri: "http://state.table.core.windows.net" },
      "REFLEX_STATE__tableServiceUri is not an https address",
    ],
    [
      "evidence over plain http",
      { REFLEX_EVIDENCE__blobServiceUri: "http://kept.blob.core.windows.net" },
      "REFLEX_EVIDENCE__blobServiceUri is not an https address",
    ],
    [
      "a connection for evidence over plain http",
      { REFLEX_EVIDENCE: STATE.replace("https", "http") },
      "REFLEX_EVIDENCE names an endpoint over plain http",
    ],
    ["state at no address", { REFLEX_STATE__tableServiceUri: "state" }, "is not an https address"],
    ["a console over plain http", { REFLEX_CONSOLE_URL: "http://reflex.example.com" }, "REFLEX_CONSOLE_URL"],
    ["a connection over plain http", { REFLEX_STATE: STATE.replace("https", "http") }, "over plain http"],
    [
      "an endpoint over plain http",
      { REFLEX_STATE: `TableEndpoint=http://10.0.0.4/a;AccountName=a;AccountKey=${KEY}` },
      "over plain http",
    ],
    [
      "a header that anybody may send",
      { REFLEX_TRUST_EASY_AUTH: "true", WEBSITE_AUTH_ENABLED: "false" },
      "anybody could send the header",
    ],
    [
      "a switch that is neither on nor off",
      { REFLEX_LOCAL: "TRUE" },
      "REFLEX_LOCAL is neither true nor false",
    ],
  ])("are refused everywhere: %s", (_what, env, words) => {
    const found = unsafeSettings(env);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(words);
    expect(found[0]).toMatch(/\.$/);
    expect(found[0]).not.toContain(KEY);
  });

  it("are all told at once", () => {
    expect(
      unsafeSettings({
        ...AZURE,
        REFLEX_LOCAL: "true",
        REFLEX_STATE: STATE,
        NODE_TLS_REJECT_UNAUTHORIZED: "0",
      }),
    ).toHaveLength(3);
  });
});

describe("settings with which the app starts", () => {
  it.each([
    ["those of the template", AZURE],
    ["those of a local start", { REFLEX_LOCAL: "true", REFLEX_STATE: AZURITE, REFLEX_EVENTS: EVENTS }],
    ["a debugger on one's own machine", { NODE_OPTIONS: "--inspect", REFLEX_STATE: AZURITE }],
    ["keys that somebody has accepted", { ...AZURE, REFLEX_STATE: STATE, REFLEX_ALLOW_KEYS: "true" }],
    [
      "a header that the platform checks",
      { ...AZURE, REFLEX_TRUST_EASY_AUTH: "true", WEBSITE_AUTH_ENABLED: "True" },
    ],
    ["switches that are off", { REFLEX_LOCAL: "false", REFLEX_TRUST_EASY_AUTH: "" }],
    ["none", {}],
  ])("are %s", (_what, env) => {
    expect(unsafeSettings(env)).toEqual([]);
  });
});
