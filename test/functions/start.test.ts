import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startHostProcess } from "../../local/functions-host/index.ts";
import { CLUSTER } from "../engine/world.ts";

const STATE =
  "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;TableEndpoint=http://127.0.0.1:1/a;";
const GOOD = "mode: observe\nrules: [{ name: r, when: { kind: alert }, playbooks: [{ name: notify }] }]\n";
const CHANNEL = "channels: [{ name: c, kind: teams, urlSetting: MY_TEAMS }]\n";

describe("an app that is set up wrongly", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "reflex-start-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** What the app says when it does not start; empty when it does. */
  async function refusal(configuration: string, env: Record<string, string>): Promise<string> {
    await writeFile(join(folder, "reflex.yaml"), configuration);
    try {
      const app = await startHostProcess({
        appFile: resolve("dist/main.js"),
        hostFile: resolve("host.json"),
        port: 0,
        keys: { host: "h", master: "m" },
        checkpointDirectory: folder,
        timers: false,
        env: {
          REFLEX_CONFIG: join(folder, "reflex.yaml"),
          REFLEX_STATE: STATE,
          REFLEX_EVENTS:
            "Endpoint=sb://127.0.0.1:1;SharedAccessKeyName=a;SharedAccessKey=b;UseDevelopmentEmulator=true;",
          REFLEX_EVENTS_HUB: "alerts",
          REFLEX_TENANT: "7e0a4c12-5d3b-4f86-9a1e-2b6c8d0f1357",
          REFLEX_AUDIENCE: "c1f5b3d7-0e92-4a68-8b47-6d2e9f10a3c5",
          ...env,
        },
      });
      await app.kill();
      return "";
    } catch (error) {
      return String(error);
    }
  }

  it.each([
    [
      "a mistake in the configuration",
      GOOD.replace("notify", "notfy"),
      {},
      /reflex\.yaml:2:\d+ .*"notfy" is not a playbook/,
    ],
    [
      "a ceiling that is none",
      GOOD,
      { REFLEX_MODE: "dry-run" },
      /REFLEX_MODE is dry-run; use one of off, observe/,
    ],
    ["no tenant", GOOD, { REFLEX_TENANT: "" }, /REFLEX_TENANT is not set.*id of your Entra tenant/],
    ["no audience", GOOD, { REFLEX_AUDIENCE: "" }, /REFLEX_AUDIENCE is not set.*client id/],
    [
      "keys of an issuer of one's own outside a local start",
      GOOD,
      { REFLEX_ISSUER_KEYS: "http://127.0.0.1:1/keys" },
      /REFLEX_ISSUER_KEYS is 127\.0\.0\.1:1.*REFLEX_LOCAL/,
    ],
    [
      "a doubtful word about Easy Auth",
      GOOD,
      { REFLEX_TRUST_EASY_AUTH: "1" },
      /REFLEX_TRUST_EASY_AUTH is neither true nor false/,
    ],
    ["no place for its state", GOOD, { REFLEX_STATE: "" }, /REFLEX_STATE__tableServiceUri/],
    ["a channel without its address", GOOD + CHANNEL, {}, /MY_TEAMS/],
    [
      "a channel to a host that is none of Teams'",
      GOOD + CHANNEL,
      { MY_TEAMS: "https://evil.example/x" },
      /evil\.example/,
    ],
    [
      "a channel on this machine outside a local start",
      GOOD + CHANNEL,
      { MY_TEAMS: "http://127.0.0.1:1/x" },
      /https/,
    ],
    [
      "a kubeconfig that is not there",
      `${GOOD}clusters: [{ name: prod, id: ${CLUSTER}, connect: { kubeconfig: gone.kubeconfig } }]\n`,
      {},
      /kubeconfig of cluster prod cannot be read: gone\.kubeconfig/,
    ],
    [
      "a cluster without its token",
      `${GOOD}clusters: [{ name: prod, id: ${CLUSTER}, connect: { token: { server: "https://a:6443", tokenSetting: PROD_TOKEN } } }]\n`,
      { PROD_TOKEN: "" },
      /setting PROD_TOKEN of cluster prod is missing or empty/,
    ],
    ["a configuration that is not there", GOOD, { REFLEX_CONFIG: "/nowhere/reflex.yaml" }, /nowhere/],
  ])("does not start with %s, and says so", async (_what, configuration, env, words) => {
    const said = await refusal(configuration, env as Record<string, string>);
    expect(said).toMatch(words);
    // A webhook's address is a credential.
    expect(said).not.toContain("evil.example/x");
  });
});
