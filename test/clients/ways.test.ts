import { afterEach, describe, expect, it } from "vitest";
import type { Fault } from "../../local/kubernetes/index.ts";
import { Permanent, Refused, Retryable } from "../../src/model/errors.ts";
import type { LogEntry } from "../../src/model/log.ts";
import type { WritePorts } from "../../src/model/playbook.ts";
import type { ClusterConnect } from "../../src/model/rule.ts";
import { type AksBench, aksBench, aksId, type CountedPort, caught, countedPort } from "./aks/aks-bench.ts";
import { tlsIdentity } from "./tls-identity.ts";

const MINUTE = 60_000;
const ENTRA: ClusterConnect = { kind: "aks-entra" };

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface TwoWays extends AksBench {
  /** First by Azure's word, then by token at a port of its own; both lead to the same cluster. */
  readonly ports: WritePorts;
  readonly second: CountedPort;
  readonly logged: LogEntry[];
}

async function port(to: number | null): Promise<CountedPort> {
  const counted = await countedPort(to);
  closers.push(() => counted.close());
  return counted;
}

async function twoWays(more: Parameters<typeof aksBench>[0] = {}): Promise<TwoWays> {
  const b = await aksBench(more);
  closers.push(() => b.close());
  b.show();
  const second = await port(Number(new URL(b.kubernetes.url).port));
  const logged: LogEntry[] = [];
  return { ...b, looks: b.looks, second, logged, ports: openBoth(b, second, (entry) => logged.push(entry)) };
}

/** The ports of an app that knows both ways. */
function openBoth(b: AksBench, second: CountedPort, log: (entry: LogEntry) => void): WritePorts {
  const settings: Record<string, string> = { CA: b.identity.authority, TOKEN: b.arm.clusterToken };
  const server = `https://127.0.0.1:${second.port}`;
  const byToken: ClusterConnect = { kind: "token", server, caSetting: "CA", tokenSetting: "TOKEN" };
  const cluster = { name: "prod", id: aksId(), aliases: [`${aksId()}-arc`], connect: [ENTRA, byToken] };
  return b.open([cluster], { setting: (name) => settings[name], log });
}

const read = ({ ports }: Pick<TwoWays, "ports">) => ports.read.kubernetes(aksId()).pod("shop", "web-1");
const waysTold = ({ logged }: TwoWays) => logged.map(({ event, facts }) => [event, facts?.["way"]]);

/** A cluster address at which nobody is, in one of the ways in which nobody can be there. */
async function nowhere(how: string): Promise<{ properties?: object; cluster: object }> {
  if (how === "a name that is not known") {
    const fqdn = "prod.nowhere.invalid";
    return { properties: { fqdn }, cluster: { server: `https://${fqdn}:443` } };
  }
  const silent = await port(null);
  if (how === "nobody who listens") await silent.close();
  return { cluster: { server: `https://127.0.0.1:${silent.port}` } };
}

describe("a cluster with two ways", () => {
  it("is reached by the first, and the second is not touched", async () => {
    const b = await twoWays();
    for (let more = 0; more < 3; more += 1) expect(await read(b)).toMatchObject({ name: "web-1" });
    expect(b.second.connections).toBe(0);
    expect(waysTold(b)).toEqual([["cluster-way", "aks-entra"]]);
  });

  it.each(["nobody who listens", "nobody who answers", "a name that is not known"])(
    "is reached by the second where the first leads to %s; that is on record, and the first is left alone for a minute",
    async (how) => {
      const b = await twoWays({ timeoutMs: 1_500 });
      b.show(await nowhere(how));
      expect(await read(b)).toMatchObject({ name: "web-1" });
      expect(await read(b)).toMatchObject({ name: "web-1" });
      expect(b.looks()).toBe(1);
      expect(waysTold(b)).toEqual([["cluster-way", "token"]]);

      b.show();
      b.pass(15 * MINUTE);
      const before = b.second.connections;
      expect(await read(b)).toMatchObject({ name: "web-1" });
      expect(b.second.connections).toBe(before);
      expect(waysTold(b).at(-1)).toEqual(["cluster-way", "aks-entra"]);
    },
  );

  it("is reached by the second where the first is not for such a cluster", async () => {
    const b = await twoWays();
    b.show({ properties: { aadProfile: null } });
    expect(await read(b)).toMatchObject({ name: "web-1" });
    expect(b.arm.clusterTokens).toBe(0);
    expect(waysTold(b)).toEqual([["cluster-way", "token"]]);
  });

  it.each<[string, Fault["answer"], string]>([
    ["does not know the app (401)", { kind: "status", status: 401 }, "permanent"],
    ["forbids (403)", { kind: "status", status: 403 }, "permanent"],
    ["has too much to do (429)", { kind: "status", status: 429 }, "retryable"],
    ["fails (500)", { kind: "status", status: 500 }, "retryable"],
    ["breaks off", { kind: "truncated" }, "retryable"],
    ["shows a page to sign in", { kind: "html" }, "retryable"],
  ])("is not tried by the second where the first %s", async (_how, answer, kind) => {
    const b = await twoWays();
    b.kubernetes.faults.add({ times: 2, answer });
    expect(await caught(read(b))).toMatchObject({ kind });
    expect(b.second.connections).toBe(0);
  });

  it.each<[string, Parameters<AksBench["show"]>[0], unknown]>([
    [
      "is not to be trusted",
      { cluster: { "certificate-authority-data": tlsIdentity().authority } },
      Permanent,
    ],
    ["is at an address that Azure does not name", { properties: { fqdn: "elsewhere.example" } }, Refused],
    ["is stopped", { properties: { powerState: { code: "Stopped" } } }, Permanent],
    ["is being deleted", { properties: { provisioningState: "Deleting" } }, Permanent],
  ])("is not tried by the second where the cluster of the first %s", async (_how, shown, kind) => {
    const b = await twoWays();
    b.show(shown);
    expect(await caught(read(b))).toBeInstanceOf(kind);
    expect(b.second.connections).toBe(0);
  });

  it.each([401, 403, 429, 500])("is not tried by the second where Azure answers %i", async (status) => {
    const b = await twoWays();
    b.arm.faults.add({ match: { path: "managedClusters" }, answer: { kind: "status", status } });
    expect(await caught(read(b))).toBeInstanceOf(Error);
    expect(b.second.connections).toBe(0);
  });

  it("is tried again by both a minute after neither led there", async () => {
    const b = await twoWays({ timeoutMs: 1_500 });
    b.show(await nowhere("nobody who listens"));
    await b.second.close();
    const error = await caught(read(b));
    expect(error).toMatchObject({ kind: "retryable", retryAfterMs: MINUTE });
    // Where nobody was asked nothing was done: the engine need not read back.
    expect(await caught(read(b))).toMatchObject({ kind: "retryable", retryAfterMs: MINUTE, undone: true });
    expect(b.logged).toEqual([]);
    b.show();
    b.pass(15 * MINUTE);
    expect(await read(b)).not.toBeNull();
  });

  it("is refused for now, not for good, where one way is not for it and the other leads nowhere", async () => {
    const b = await twoWays({ timeoutMs: 1_500 });
    b.show({ properties: { aadProfile: null } });
    await b.second.close();
    expect(await caught(read(b))).toBeInstanceOf(Retryable);
  });
});

describe("a change of a cluster with two ways", () => {
  async function labelled(b: TwoWays): Promise<Promise<unknown>> {
    const found = await read(b);
    if (found === null) throw new Error("the pod is wanted");
    const writer = b.ports.write.kubernetes(aksId());
    return writer.labelPod("shop", "web-1", found, { x: "y" });
  }

  it("is made by the second where it certainly never left by the first", async () => {
    const b = await twoWays();
    b.show(await nowhere("nobody who listens"));
    await labelled(b);
    expect(b.kubernetes.effects).toHaveLength(1);
  });

  it("is not made again by the second where it may have left by the first; the next call goes there", async () => {
    const b = await twoWays({ timeoutMs: 1_500 });
    b.kubernetes.faults.add({ match: { method: "PATCH" }, answer: { kind: "hang" } });
    const error = await caught(labelled(b));
    expect(error).toMatchObject({ kind: "retryable", undone: false });
    expect(b.second.connections).toBe(0);
    expect(b.kubernetes.effects).toEqual([]);
    await labelled(b);
    expect(b.second.connections).toBeGreaterThan(0);
    expect(b.kubernetes.effects).toHaveLength(1);
  });

  it.each([401, 403, 409, 422, 429])(
    "is not made by the second where the first answers %i",
    async (status) => {
      const b = await twoWays();
      b.kubernetes.faults.add({
        match: { method: "PATCH" },
        times: 2,
        answer: { kind: "status", status, body: { kind: "Status", apiVersion: "v1", code: status } },
      });
      expect(await caught(labelled(b))).toBeInstanceOf(Error);
      expect([b.second.connections, b.kubernetes.effects]).toEqual([0, []]);
    },
  );
});

describe("a cluster by kubeconfig", () => {
  it("that cannot be reached is left alone for a minute, as by every other way", async () => {
    const b = await aksBench({ timeoutMs: 1_500 });
    closers.push(() => b.close());
    const silent = await port(null);
    const text = (server: string): string =>
      JSON.stringify({
        clusters: [{ name: "c", cluster: { server, "certificate-authority-data": b.identity.authority } }],
        users: [{ name: "u", user: { token: b.arm.clusterToken } }],
        contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
        "current-context": "x",
      });
    const connect: ClusterConnect[] = [{ kind: "kubeconfig", kubeconfig: "k", context: null }];
    const { read: ports } = b.open([{ name: "prod", id: aksId(), aliases: [], connect }], {
      readKubeconfig: () => text(`https://127.0.0.1:${silent.port}`),
    });
    const reading = () => ports.kubernetes(aksId()).pod("shop", "web-1");
    expect(await caught(reading())).toMatchObject({ kind: "retryable", retryAfterMs: MINUTE });
    const tried = silent.connections;
    const storm = Array.from({ length: 50 }, () => caught(reading()));
    for (const error of await Promise.all(storm)) expect(error).toMatchObject({ undone: true });
    expect(silent.connections).toBe(tried);
  });
});
