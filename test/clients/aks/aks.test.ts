import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { createArm, openArmAccess } from "../../../src/clients/arm/index.ts";
import { managedIdentity } from "../../../src/clients/managed-identity.ts";
import { Permanent, Refused, Retryable } from "../../../src/model/errors.ts";
import { contracts } from "../arm/arm-bench.ts";
import { tlsIdentity } from "../tls-identity.ts";
import { type AksBench, aksBench, aksId, caught, countedPort, GOOD, userKubeconfig } from "./aks-bench.ts";

const MINUTE = 60_000;
const ENTRA: { kind: "aks-entra" } = { kind: "aks-entra" };
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function started(...given: Parameters<typeof aksBench>): Promise<AksBench> {
  const b = await aksBench(...given);
  closers.push(() => b.close());
  return b;
}

const read = (b: AksBench) => b.reader().pod("shop", "web-1");

describe("an AKS cluster with Entra", () => {
  it("is reached at the address that Azure names, with a token of the app's identity, and asks nothing before", async () => {
    const b = await started();
    b.show();
    expect([b.arm.requests, b.credential.asked]).toEqual([[], 0]);
    expect(await read(b)).toMatchObject({ name: "web-1" });
    for (let more = 0; more < 5; more += 1) await read(b);
    expect(
      b.arm.requests.map(({ method, path, status }) => [method, path.split("/").at(-1), status]),
    ).toEqual([
      ["GET", "prod", 200],
      ["POST", "listClusterUserCredential", 200],
    ]);
    expect(b.arm.clusterTokens).toBe(6);
    expect(b.kubernetes.requests.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200]);
    if (contracts !== null) expect(b.arm.breaches).toEqual([]);
  });

  it("asks the real library for a token of AKS, once for many calls", async () => {
    const b = await started();
    b.show();
    const before = { ...process.env };
    Object.assign(process.env, b.arm.settings);
    try {
      const credential = managedIdentity(undefined);
      const access = openArmAccess({ credential, endpoint: b.arm.url, allowLoopback: true });
      const clusters = [{ name: "prod", id: aksId(), aliases: [], connect: [ENTRA] }];
      const { read: ports } = b.open(clusters, { arm: createArm(access), credential });
      for (const name of ["web-1", "web-2"]) await ports.kubernetes(aksId()).pod("shop", name);
      expect([b.arm.clusterTokens, b.kubernetes.requests.length]).toEqual([1, 2]);
    } finally {
      process.env = before;
    }
  });

  it("runs no program that the kubeconfig from Azure names, and reads nothing of its user", async () => {
    const folder = mkdtempSync(join(tmpdir(), "aks-"));
    closers.push(() => rmSync(folder, { recursive: true }));
    const mark = join(folder, "mark");
    const b = await started();
    b.show({ mark });
    expect(await read(b)).not.toBeNull();
    expect(existsSync(mark)).toBe(false);
    // What else may stand beside the address changes nothing either.
    b.show({
      mark,
      cluster: {
        "insecure-skip-tls-verify": true,
        "proxy-url": "http://127.0.0.1:1",
        "tls-server-name": "x",
      },
    });
    b.pass(16 * MINUTE);
    expect(await read(b)).not.toBeNull();
    expect(existsSync(mark)).toBe(false);
  });

  it.each([
    ["fqdn", { fqdn: "LOCALHOST" }],
    ["privateFQDN", { fqdn: "prod.example", privateFQDN: "localhost" }],
    ["azurePortalFQDN", { fqdn: null, azurePortalFQDN: "localhost" }],
  ])("may be at its %s", async (_, properties) => {
    const b = await started();
    b.show({ properties, cluster: { server: b.kubernetes.url.replace("127.0.0.1", "localhost") } });
    expect(await read(b)).not.toBeNull();
  });

  it.each([
    [
      "a host that Azure does not name for it",
      { properties: { fqdn: "prod-1a2b.hcp.westeurope.azmk8s.io" } },
    ],
    ["a host of which that is only the beginning", { properties: { fqdn: "127.0.0.1.example" } }],
    ["no host at all by Azure's word", { properties: { fqdn: "" } }],
    ["plain http", { cluster: { server: "http://127.0.0.1:1" } }],
    ["an address with a user in it", { cluster: { server: "https://a@127.0.0.1:1" } }],
    ["an address with a path", { cluster: { server: "https://127.0.0.1:1/elsewhere" } }],
  ])("gets no token for %s, and nobody is asked for one", async (_, shown) => {
    const b = await started();
    b.show(shown);
    const error = await caught(read(b));
    expect(error).toBeInstanceOf(Refused);
    expect(error).toMatchObject({ advice: expect.stringContaining("no token was asked for") });
    expect([b.arm.clusterTokens, b.kubernetes.requests]).toEqual([0, []]);
  });

  it.each([
    ["is stopped", { powerState: { code: "Stopped" } }, Permanent, /prod is stopped/],
    ["is being deleted", { provisioningState: "Deleting" }, Permanent, /prod is being deleted/],
    ["has no Entra", { aadProfile: undefined }, Refused, /not integrated with Entra, and local accounts/],
    ["has Entra of the old kind", { aadProfile: { managed: false } }, Refused, /not integrated with Entra/],
  ])("that %s is told as such, and asked for no credential", async (_, properties, kind, says) => {
    const b = await started();
    b.show({ properties });
    const error = await caught(read(b));
    expect(error).toBeInstanceOf(kind);
    expect(error.message).toMatch(says);
    expect(b.arm.requests.map(({ method }) => method)).toEqual(["GET"]);
    expect([b.arm.clusterTokens, b.kubernetes.requests]).toEqual([0, []]);
    // Many calls do not ask as often; after a minute it may be otherwise.
    for (let more = 0; more < 5; more += 1) expect(await caught(read(b))).toBeInstanceOf(kind);
    expect(b.looks()).toBe(1);
    b.show();
    b.pass(MINUTE);
    expect(await read(b)).not.toBeNull();
  });

  it("that Azure does not know is told as such", async () => {
    const b = await started();
    expect((await caught(read(b))).message).toMatch(/Azure has no AKS cluster prod/);
  });

  it.each([
    ["nothing that can be read", "{"],
    ["a list of programs", "- exec: { command: sh }"],
    ["no authority", userKubeconfig({ server: "https://127.0.0.1:1" })],
    ["no cluster of its context", userKubeconfig({}).replace('"cluster":"prod"', '"cluster":"other"')],
  ])("whose kubeconfig holds %s gets no token", async (_, text) => {
    const b = await started();
    b.show();
    b.arm.documents.setManagedCluster(aksId(), { fqdn: "127.0.0.1", aadProfile: { managed: true } }, text);
    const error = await caught(read(b));
    expect(error).toMatchObject({
      kind: "permanent",
      message: expect.stringContaining("no address with its certificate"),
    });
    expect(b.arm.clusterTokens).toBe(0);
  });

  it("is the one of the kubeconfig's current context, whatever else stands in it", async () => {
    const b = await started();
    const own = { server: b.kubernetes.url, "certificate-authority-data": b.identity.authority };
    const config = JSON.parse(userKubeconfig(own)) as Record<"contexts" | "clusters", unknown[]>;
    const other = { ...own, server: "https://127.0.0.1:1" };
    config.contexts.unshift({ name: "other", context: { cluster: "other", user: "clusterUser" } });
    config.clusters.unshift({ name: "other", cluster: other });
    b.arm.documents.setManagedCluster(aksId(), GOOD, JSON.stringify(config));
    expect(await read(b)).not.toBeNull();
  });

  it("is looked for again after a quarter of an hour, with the same sockets where it has not moved", async () => {
    const b = await started();
    const port = await countedPort(Number(new URL(b.kubernetes.url).port));
    closers.push(() => port.close());
    b.show({ cluster: { server: `https://127.0.0.1:${port.port}` } });
    for (let more = 0; more < 20; more += 1) await read(b);
    b.pass(15 * MINUTE - 1);
    await read(b);
    expect([b.looks(), port.connections]).toEqual([1, 1]);
    b.pass(1);
    await Promise.all([read(b), read(b)]);
    expect(b.looks()).toBe(2);
    expect(port.connections).toBeLessThanOrEqual(2);
  });
});

describe("an AKS cluster that turns the app away", () => {
  it("is not trusted under another authority: nothing is sent, and it is looked for again once", async () => {
    const b = await started();
    b.show({ cluster: { "certificate-authority-data": tlsIdentity().authority } });
    for (let more = 0; more < 4; more += 1) {
      const error = await caught(read(b));
      expect(error).toBeInstanceOf(Permanent);
      expect(error.message).toMatch(/No trusted connection/);
    }
    expect([b.looks(), b.kubernetes.requests]).toEqual([2, []]);
  });

  it("is reached by the next try where its authority, or its address, has changed since", async () => {
    const b = await started();
    b.show({ cluster: { "certificate-authority-data": tlsIdentity().authority } });
    expect(await caught(read(b))).toBeInstanceOf(Permanent);
    b.show();
    b.pass(MINUTE);
    expect(await Promise.all([read(b), read(b), read(b)])).toMatchObject([{}, {}, {}]);
    // The first look, the one that came to the same, and one for all three together.
    expect(b.looks()).toBe(3);
  });

  it("with 401 is looked for again once, then it stops; nobody looks again within a minute", async () => {
    const b = await started({ token: "of another tenant" });
    b.show();
    const error = await caught(read(b));
    expect(error).toBeInstanceOf(Permanent);
    expect(error).toMatchObject({
      message: expect.stringContaining("401"),
      advice: expect.stringContaining("no other credential is tried"),
    });
    expect([b.looks(), b.kubernetes.requests.length]).toEqual([2, 2]);
    await Promise.all([1, 2, 3].map(() => caught(read(b))));
    expect([b.looks(), b.kubernetes.requests.length]).toEqual([2, 5]);
    b.pass(MINUTE);
    await caught(read(b));
    expect(b.looks()).toBe(3);
  });

  it("with one 401 is reached by the second try, also where many are turned away at once", async () => {
    const b = await started();
    b.show();
    b.kubernetes.faults.add({ times: 4, answer: { kind: "status", status: 401 } });
    expect(await Promise.all([1, 2, 3, 4].map(() => read(b)))).toMatchObject([{}, {}, {}, {}]);
    expect(b.looks()).toBe(2);
  });

  it("with 403 stays forbidden: no second try, no other credential, no other way", async () => {
    const b = await started({ rules: [] });
    b.show();
    const error = await caught(read(b));
    expect(error).toBeInstanceOf(Permanent);
    expect(error.message).toMatch(/403/);
    expect(b.kubernetes.requests.map(({ status }) => status)).toEqual([403]);
    expect(b.arm.requests.map(({ path }) => path.split("/").at(-1))).toEqual([
      "prod",
      "listClusterUserCredential",
    ]);
    expect(b.arm.clusterTokens).toBe(1);
  });

  it.each(["GET", "POST"])(
    "in Resource Manager (403 to %s) gets no token and no second try",
    async (method) => {
      const b = await started();
      b.show();
      b.arm.faults.add({
        match: { method, path: "managedClusters" },
        answer: { kind: "status", status: 403 },
      });
      const error = await caught(read(b));
      expect(error).toBeInstanceOf(Permanent);
      expect(error).toMatchObject({ advice: expect.stringContaining("no other identity is tried") });
      expect([b.arm.clusterTokens, b.kubernetes.requests]).toEqual([0, []]);
    },
  );

  it("is not written to twice: a change that was turned away is made once", async () => {
    const b = await started();
    b.show();
    const found = await read(b);
    if (found === null) throw new Error("the pod is wanted");
    b.kubernetes.faults.add({ match: { method: "PATCH" }, answer: { kind: "status", status: 401 } });
    const { uid, resourceVersion } = found;
    const clusters = [{ name: "prod", id: aksId(), aliases: [], connect: [ENTRA] }];
    await b
      .open(clusters)
      .write.kubernetes(aksId())
      .labelPod("shop", "web-1", { uid, resourceVersion }, { x: "y" });
    expect(b.kubernetes.effects).toHaveLength(1);
  });

  it("without a token is not asked, and says so", async () => {
    const b = await started();
    b.show();
    const clusters = [{ name: "prod", id: aksId(), aliases: [], connect: [ENTRA] }];
    const nobody = Object.assign(new Error("no identity"), { name: "CredentialUnavailableError" });
    const credential = { getToken: () => Promise.reject(nobody) };
    const error = await caught(
      b.open(clusters, { credential }).read.kubernetes(aksId()).pod("shop", "web-1"),
    );
    expect(error).toBeInstanceOf(Retryable);
    expect(error.message).toMatch(/No token for Azure could be had .* sign in to AKS cluster prod/);
    expect(b.kubernetes.requests).toEqual([]);
  });
});
