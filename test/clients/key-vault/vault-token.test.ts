import { afterEach, describe, expect, it } from "vitest";
import { type KeyVaultStandIn, startKeyVault } from "../../../local/key-vault/index.ts";
import { createVault } from "../../../src/clients/key-vault/index.ts";
import { secretAddress } from "../../../src/clients/key-vault/secret-address.ts";
import { Permanent, Retryable } from "../../../src/model/errors.ts";
import type { KubernetesReader } from "../../../src/model/kubernetes-port.ts";
import type { ClusterConnect } from "../../../src/model/rule.ts";
import { type AksBench, aksBench, aksId, caught } from "../aks/aks-bench.ts";

const MINUTE = 60_000;
const VAULT = "https://shop-vault.vault.azure.net";
const TOKEN = `${VAULT}/secrets/shop-token`;
const AUTHORITY = `${VAULT}/secrets/shop-ca`;

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface VaultBench extends AksBench {
  readonly vault: KeyVaultStandIn;
  readonly asked: string[];
  pod(): ReturnType<KubernetesReader["pod"]>;
}

/** A cluster that knows one token, and a vault that holds it. */
async function bench(
  more: Partial<Extract<ClusterConnect, { kind: "vault-token" }>> = {},
): Promise<VaultBench> {
  const b = await aksBench({ token: "token-of-today" });
  const vault = await startKeyVault(VAULT);
  closers.push(
    () => b.close(),
    () => vault.stop(),
  );
  vault.set("shop-token", "token-of-today\n");
  vault.set("shop-ca", b.identity.cert);
  const asked: string[] = [];
  const credential = {
    getToken: async (scope: string | string[]) => {
      asked.push(String(scope));
      return { token: vault.token, expiresOnTimestamp: 0 };
    },
  };
  const connect: ClusterConnect = {
    ...{ kind: "vault-token", server: b.kubernetes.url, caSetting: null },
    ...{ caSecret: AUTHORITY, tokenSecret: TOKEN, ...more },
  };
  const { read } = b.open([{ name: "shop", id: aksId(), aliases: [], connect: [connect] }], {
    vault: createVault({ credential, timeoutMs: 2_000, standIn: vault.url }),
    setting: (name) => (name === "CA" ? b.identity.authority : undefined),
  });
  return { ...b, vault, asked, pod: () => read.kubernetes(aksId()).pod("shop", "web-1") };
}

const readings = ({ vault }: VaultBench, name: string) =>
  vault.requests.filter(({ path }) => path === `/secrets/${name}`).length;

describe("a cluster by a service account's token in a key vault", () => {
  it("is reached, and the vault is asked once in five minutes, with a token for vaults", async () => {
    const b = await bench();
    await Promise.all([1, 2, 3].map(() => b.pod()));
    b.pass(5 * MINUTE - 1);
    expect(await b.pod()).toMatchObject({ name: "web-1" });
    expect([readings(b, "shop-token"), readings(b, "shop-ca")]).toEqual([1, 1]);
    b.pass(1);
    await b.pod();
    expect([readings(b, "shop-token"), readings(b, "shop-ca")]).toEqual([2, 1]);
    expect(new Set(b.asked)).toEqual(new Set(["https://vault.azure.net/.default"]));
    expect(b.arm.requests).toEqual([]);
  });

  it("may have its authority in a setting, and asks the vault for the token alone", async () => {
    const b = await bench({ caSecret: null, caSetting: "CA" });
    expect(await b.pod()).not.toBeNull();
    expect(readings(b, "shop-ca")).toBe(0);
  });

  it("uses the token on while the vault does not answer, and asks it again after a minute", async () => {
    const b = await bench({ caSecret: null, caSetting: "CA" });
    await b.pod();
    b.pass(5 * MINUTE);
    b.vault.faults.add({ answer: { kind: "status", status: 503 } });
    for (let more = 0; more < 3; more += 1) expect(await b.pod()).not.toBeNull();
    expect(readings(b, "shop-token")).toBe(2);
    b.pass(MINUTE);
    expect(await b.pod()).not.toBeNull();
    expect(readings(b, "shop-token")).toBe(3);
  });

  it("takes a rotated token as soon as the old one is turned away, without a restart", async () => {
    const b = await bench();
    b.vault.set("shop-token", "token-of-yesterday");
    expect(await caught(b.pod())).toBeInstanceOf(Permanent);
    expect(readings(b, "shop-token")).toBe(2);
    b.vault.set("shop-token", "token-of-today");
    // Nobody looks again within a minute, so that a storm does not.
    await Promise.all([1, 2, 3].map(() => caught(b.pod())));
    expect(readings(b, "shop-token")).toBe(2);
    b.pass(MINUTE);
    expect(await b.pod()).not.toBeNull();
    expect(b.kubernetes.requests.map(({ status }) => status).at(-1)).toBe(200);
  });

  it("that turns its token away says where to renew it, and shows it nowhere", async () => {
    const b = await bench();
    b.vault.set("shop-token", "token-of-yesterday");
    const error = await caught(b.pod());
    expect(error).toMatchObject({
      advice: expect.stringContaining("key vault (tokenSecret) of cluster shop"),
    });
    expect(`${error.message} ${error.stack ?? ""}`).not.toContain("token-of-yesterday");
  });

  it("gets nothing where the vault forbids it: no other credential, and not asked again for a minute", async () => {
    const b = await bench({ caSecret: null, caSetting: "CA" });
    b.vault.forbid("shop-token");
    for (let more = 0; more < 4; more += 1) {
      const error = await caught(b.pod());
      expect(error).toBeInstanceOf(Permanent);
      expect(error).toMatchObject({ advice: expect.stringContaining("no other identity is tried") });
    }
    expect([readings(b, "shop-token"), b.kubernetes.requests]).toEqual([1, []]);
    b.pass(MINUTE);
    await caught(b.pod());
    expect(readings(b, "shop-token")).toBe(2);
  });

  it.each([
    ["is not there", (b: VaultBench) => b.vault.forbid("none"), `${VAULT}/secrets/other`, "permanent"],
    [
      "does not answer",
      (b: VaultBench) => b.vault.faults.add({ answer: { kind: "hang" } }),
      TOKEN,
      "retryable",
    ],
    [
      "is busy",
      (b: VaultBench) => b.vault.faults.add({ answer: { kind: "status", status: 429 } }),
      TOKEN,
      "retryable",
    ],
    [
      "is behind a page to sign in",
      (b: VaultBench) => b.vault.faults.add({ answer: { kind: "html" } }),
      TOKEN,
      "retryable",
    ],
    [
      "is another secret's",
      (b: VaultBench) =>
        b.vault.faults.add({
          answer: { kind: "status", status: 200, body: { value: "x", id: `${VAULT}/secrets/other/1` } },
        }),
      TOKEN,
      "retryable",
    ],
    ["is no token", (b: VaultBench) => b.vault.set("shop-token", "two words"), TOKEN, "permanent"],
  ])("sends nothing to the cluster where the answer %s", async (_what, prepare, tokenSecret, kind) => {
    const b = await bench({ caSecret: null, caSetting: "CA", tokenSecret });
    prepare(b);
    const error = await caught(b.pod());
    expect(error).toMatchObject({ kind });
    expect(error.message).not.toContain("two words");
    expect(b.kubernetes.requests).toEqual([]);
  });

  it("does not start with an address that is none of a vault's, and asks nobody for a token", async () => {
    await expect(bench({ tokenSecret: "https://shop.vault.azure.net.example/secrets/x" })).rejects.toThrow(
      /not the address of a secret in a key vault/,
    );
    await expect(bench({ server: "http://api.example" })).rejects.toThrow(/not an https address/);
  });
});

describe("the address of a secret", () => {
  it.each([
    ["https://shop.vault.azure.net/secrets/a-1", "https://vault.azure.net/.default"],
    ["https://shop.vault.usgovcloudapi.net/secrets/a/", "https://vault.usgovcloudapi.net/.default"],
    ["https://shop.vault.azure.cn/secrets/a", "https://vault.azure.cn/.default"],
  ])("%s is one", (text, scope) => {
    expect(secretAddress(text).scope).toBe(scope);
  });

  it.each([
    "http://shop.vault.azure.net/secrets/a",
    "https://shop.vault.azure.net:444/secrets/a",
    "https://me@shop.vault.azure.net/secrets/a",
    "https://shop.vault.azure.net/secrets/a/0123",
    "https://shop.vault.azure.net/keys/a",
    "https://shop.vault.azure.net/secrets/a?x=1",
    "https://shop.vault.azure.net/secrets/../keys/a",
    "https://vault.azure.net/secrets/a",
    "https://shop.evil.example/secrets/a",
    "",
  ])("%s is none", (text) => {
    expect(() => secretAddress(text)).toThrow(Permanent);
  });

  it("keeps whatever is wrong on the way an error of ours", async () => {
    const credential = { getToken: () => Promise.resolve(null) };
    const vault = createVault({ credential, timeoutMs: 1_000, standIn: null });
    expect(await caught(vault.secret(TOKEN))).toBeInstanceOf(Retryable);
  });
});
