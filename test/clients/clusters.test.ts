import { afterEach, describe, expect, it } from "vitest";
import { startKubernetes } from "../../local/kubernetes/index.ts";
import type { ClusterMeans } from "../../src/clients/clusters.ts";
import { Permanent, Refused } from "../../src/model/errors.ts";
import type { WritePorts } from "../../src/model/playbook.ts";
import type { ClusterConnect } from "../../src/model/rule.ts";
import { pod } from "../playbooks/cluster-objects.ts";
import { type AksBench, aksBench, aksId, caught, countedPort } from "./aks/aks-bench.ts";
import { tlsIdentity } from "./tls-identity.ts";

const GROUP = "/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333/resourceGroups/shop/providers";
const ARO = `${GROUP}/Microsoft.RedHatOpenShift/openShiftClusters/aro`;
const ARC = `${GROUP}/Microsoft.Kubernetes/connectedClusters/aro-arc`;
const TOKEN = "a-service-accounts-token";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function started(more: Parameters<typeof aksBench>[0] = {}): Promise<AksBench> {
  const b = await aksBench({ token: TOKEN, ...more });
  closers.push(() => b.close());
  return b;
}

/** The way by token to the API server of a bench. */
function byToken(
  b: AksBench,
  more: Partial<Extract<ClusterConnect, { kind: "token" }>> = {},
): ClusterConnect {
  return { kind: "token", server: b.kubernetes.url, caSetting: "ARO_CA", tokenSetting: "ARO_TOKEN", ...more };
}

function opened(
  b: AksBench,
  settings: Readonly<Record<string, string>>,
  connect = byToken(b),
  more: Partial<ClusterMeans> = {},
): WritePorts {
  const setting = (name: string): string | undefined => settings[name];
  return b.open([{ name: "aro", id: ARO, aliases: [ARC], connect: [connect] }], { setting, ...more });
}

const read = (ports: WritePorts, id = ARO) => ports.read.kubernetes(id).pod("shop", "web-1");

describe("a cluster by a service account's token", () => {
  it.each(["as PEM", "in base64, as a kubeconfig has it"])(
    "is reached, with its authority %s, and Azure is not asked",
    async (how) => {
      const b = await started();
      const { cert, authority } = b.identity;
      const ports = opened(b, {
        ARO_CA: how === "as PEM" ? `${cert}\n` : authority,
        ARO_TOKEN: `${TOKEN}\n`,
      });
      expect(await read(ports)).toMatchObject({ name: "web-1" });
      expect([b.arm.requests, b.credential.asked]).toEqual([[], 0]);
    },
  );

  it("is the same under each of its ids, in any casing", async () => {
    const b = await started();
    const ports = opened(b, { ARO_CA: b.identity.authority, ARO_TOKEN: TOKEN });
    const port = await countedPort(Number(new URL(b.kubernetes.url).port));
    closers.push(() => port.close());
    const through = opened(
      b,
      { ARO_CA: b.identity.authority, ARO_TOKEN: TOKEN },
      byToken(b, { server: `https://127.0.0.1:${port.port}/` }),
    );
    for (const id of [ARO, ARC, ARC.toUpperCase()]) {
      expect(await read(ports, id)).not.toBeNull();
      expect(await read(through, id)).not.toBeNull();
    }
    expect(port.connections).toBe(1);
    expect(() => ports.read.kubernetes(`${ARC}-2`)).toThrow(Refused);
    expect(() => ports.write.kubernetes(aksId())).toThrow(/is not configured/);
  });

  it("is not trusted by another authority, nor by those of the system, and gets no token then", async () => {
    const b = await started();
    const wrong = opened(b, { ARO_CA: tlsIdentity().cert, ARO_TOKEN: TOKEN });
    const none = opened(b, { ARO_TOKEN: TOKEN }, byToken(b, { caSetting: null }));
    for (const ports of [wrong, none]) {
      const error = await caught(read(ports));
      expect(error).toBeInstanceOf(Permanent);
      expect(error).toMatchObject({
        message: expect.stringContaining("No trusted"),
        advice: expect.stringContaining("caSetting"),
      });
    }
    expect(b.kubernetes.requests).toEqual([]);
  });

  it("that turns the token away is asked once, and by nothing else", async () => {
    const b = await started();
    const ports = opened(b, { ARO_CA: b.identity.authority, ARO_TOKEN: "of-yesterday" });
    const error = await caught(read(ports));
    expect(error).toMatchObject({
      kind: "permanent",
      advice: expect.stringContaining("Renew the token in the setting ARO_TOKEN"),
    });
    expect(`${error.message} ${error.stack ?? ""}`).not.toContain("of-yesterday");
    expect(b.kubernetes.requests.map(({ status }) => status)).toEqual([401]);
    expect([b.arm.requests, b.credential.asked]).toEqual([[], 0]);
  });

  it("that forbids is asked once", async () => {
    const b = await started({ rules: [] });
    const error = await caught(read(opened(b, { ARO_CA: b.identity.authority, ARO_TOKEN: TOKEN })));
    expect(error).toMatchObject({ kind: "permanent", message: expect.stringContaining("403") });
    expect(b.kubernetes.requests.map(({ status }) => status)).toEqual([403]);
  });

  it("reads its token with each use", async () => {
    const b = await started();
    const settings: Record<string, string> = { ARO_CA: b.identity.authority, ARO_TOKEN: "of-yesterday" };
    const ports = opened(b, settings);
    expect(await caught(read(ports))).toBeInstanceOf(Permanent);
    settings["ARO_TOKEN"] = TOKEN;
    expect(await read(ports)).not.toBeNull();
  });
});

describe("an app with a cluster by token that is set up wrongly", () => {
  const secret = "eyJhbGciOi.secret";

  it.each([
    ["an authority that is none", { ARO_CA: "x" }, /ARO_CA of cluster aro holds no certificate/],
    ["an authority that is missing", { ARO_TOKEN: secret }, /ARO_CA of cluster aro is missing or empty/],
    [
      "an authority that is empty",
      { ARO_TOKEN: secret, ARO_CA: " \n" },
      /ARO_CA of cluster aro is missing or empty/,
    ],
    ["a token that is missing", { ARO_CA: "good" }, /ARO_TOKEN of cluster aro is missing or empty/],
    [
      "a token that is empty",
      { ARO_CA: "good", ARO_TOKEN: "" },
      /ARO_TOKEN of cluster aro is missing or empty/,
    ],
    [
      "a token of two lines",
      { ARO_CA: "good", ARO_TOKEN: `${secret}\r\nx: y` },
      /ARO_TOKEN of cluster aro is no token/,
    ],
    [
      "a secret that the platform could not read",
      { ARO_CA: "good", ARO_TOKEN: "@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/s)" },
      /ARO_TOKEN of cluster aro is a Key Vault reference that was not resolved/,
    ],
  ])("does not start with %s, says which setting, and shows no value", async (_, settings, words) => {
    const b = await started();
    const given = settings as Record<string, string>;
    const known = given["ARO_CA"] === "good" ? { ...given, ARO_CA: b.identity.authority } : given;
    const open = (): unknown => opened(b, known);
    expect(open).toThrow(Permanent);
    expect(open).toThrow(words);
    expect(open).not.toThrow(/secret|vault\.azure/);
    expect(b.kubernetes.requests).toEqual([]);
  });

  it("does not start with plain http to another machine, and to its own only where stand-ins are allowed", async () => {
    const b = await started();
    const settings = { ARO_TOKEN: TOKEN };
    const to = (server: string): ClusterConnect => byToken(b, { server, caSetting: null });
    for (const allowLoopback of [true, false]) {
      const open = (): unknown => opened(b, settings, to("http://api.example:6443"), { allowLoopback });
      expect(open).toThrow(/server of cluster aro is not an https address/);
    }
    const plain = await startKubernetes({ token: TOKEN });
    closers.push(() => plain.close());
    plain.seed([pod("web-1")]);
    expect(() => opened(b, settings, to(plain.url))).toThrow(/not an https address/);
    expect(await read(opened(b, settings, to(plain.url), { allowLoopback: true }))).not.toBeNull();
  });
});
