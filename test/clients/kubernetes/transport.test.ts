import { createServer, type ServerResponse } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { startKubernetes } from "../../../local/kubernetes/index.ts";
import { createKubernetes } from "../../../src/clients/kubernetes/index.ts";
import { Permanent, Retryable } from "../../../src/model/errors.ts";
import { pod } from "../../playbooks/cluster-objects.ts";
import { caught, countedPort } from "../aks/aks-bench.ts";
import { tlsIdentity } from "../tls-identity.ts";

/** What the client may have open to one cluster. */
const MOST_CONNECTIONS = 16;

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function cluster(...given: Parameters<typeof startKubernetes>) {
  const started = await startKubernetes(...given);
  closers.push(() => started.close());
  started.seed([pod("web-1")]);
  return started;
}

/** The ports of whatever answers on a port of this machine. */
function portsAt(server: string, more: { authority?: string; timeoutMs?: number } = {}) {
  const { authority, timeoutMs = 5_000 } = more;
  const at = authority === undefined ? { server } : { server, "certificate-authority-data": authority };
  const kubeconfigText = JSON.stringify({
    clusters: [{ name: "c", cluster: at }],
    users: [{ name: "u", user: { token: "stand-in-token" } }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  });
  return createKubernetes({ kubeconfigText, context: null, timeoutMs });
}

/** A server of our own, and what it was asked. */
async function serving(answer: (response: ServerResponse) => void) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  return { asked, url: `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}` };
}

describe("the connections to a cluster", () => {
  it("are few, and kept: five hundred calls at once, and five hundred after them, share sixteen", async () => {
    const identity = tlsIdentity();
    const served = await cluster({ tls: identity });
    const counted = await countedPort(Number(new URL(served.url).port));
    closers.push(() => counted.close());
    const { reader, writer } = portsAt(`https://127.0.0.1:${counted.port}`, {
      authority: identity.authority,
      timeoutMs: 60_000,
    });
    for (let round = 0; round < 2; round += 1) {
      const calls = Array.from({ length: 500 }, async (_none, index) => {
        const found = await reader.pod("shop", "web-1");
        if (index % 50 !== 0 || found === null) return found;
        // What is written goes the same way as what is read.
        return writer.labelPod("shop", "web-1", found, { [`n-${index}`]: "x" }).catch(() => null);
      });
      await Promise.all(calls);
    }
    expect(served.requests.length).toBeGreaterThanOrEqual(1_000);
    expect(counted.connections).toBeGreaterThan(1);
    expect(counted.connections).toBeLessThanOrEqual(MOST_CONNECTIONS);
  });

  it("follow no redirect: neither what is read nor what is changed is asked of another address", async () => {
    for (const status of [301, 302, 303, 307, 308]) {
      const other = await cluster();
      const first = await serving((response) =>
        response.writeHead(status, { location: `${other.url}/api/v1/namespaces/shop/pods/web-1` }).end(),
      );
      const { reader, writer } = portsAt(first.url);
      const found = other.read("pods", "shop", "web-1")?.metadata;
      const condition = { uid: found?.uid ?? "", resourceVersion: found?.resourceVersion ?? "" };
      for (const call of [
        () => reader.pod("shop", "web-1"),
        () => writer.labelPod("shop", "web-1", condition, { x: "y" }),
        () => writer.deletePod("shop", "web-1", condition),
      ]) {
        expect(await caught(call())).toBeInstanceOf(Retryable);
      }
      expect(first.asked).toHaveLength(3);
      expect(other.requests).toEqual([]);
    }
  });

  it("verify the server also where the environment says not to", async () => {
    const identity = tlsIdentity();
    const served = await cluster({ tls: identity });
    const before = process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
    process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
    try {
      const { reader } = portsAt(served.url, { authority: tlsIdentity().authority });
      expect(await caught(reader.pod("shop", "web-1"))).toBeInstanceOf(Permanent);
    } finally {
      if (before === undefined) delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
      else process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = before;
    }
    expect(served.requests).toEqual([]);
    expect(
      await portsAt(served.url, { authority: identity.authority }).reader.pod("shop", "web-1"),
    ).not.toBeNull();
  });

  it("are not held by an answer that trickles and never ends", async () => {
    const slow = await serving((response) => {
      response.writeHead(200, { "content-type": "application/json" });
      const drip = setInterval(() => response.write(" "), 20);
      response.on("close", () => clearInterval(drip));
    });
    const { reader } = portsAt(slow.url, { timeoutMs: 300 });
    expect(await caught(reader.pod("shop", "web-1"))).toMatchObject({ kind: "retryable" });
  });
});

describe("the answer to a deletion", () => {
  it.each([
    ["of another object", { name: "other", uid: "u-1" }],
    ["of another uid", { name: "quarantine", uid: "u-2" }],
    ["that names nothing", undefined],
  ])("is no success %s", async (_what, details) => {
    const body = JSON.stringify({ kind: "Status", apiVersion: "v1", status: "Success", details });
    const api = await serving((response) =>
      response.writeHead(200, { "content-type": "application/json" }).end(body),
    );
    const deleting = portsAt(api.url).writer.deleteNetworkPolicy("shop", "quarantine", { uid: "u-1" });
    expect(await caught(deleting)).toBeInstanceOf(Retryable);
  });

  it("is success where it names the object and its uid", async () => {
    const details = { name: "quarantine", kind: "networkpolicies", uid: "u-1" };
    const body = JSON.stringify({ kind: "Status", apiVersion: "v1", status: "Success", details });
    const api = await serving((response) =>
      response.writeHead(200, { "content-type": "application/json" }).end(body),
    );
    await portsAt(api.url).writer.deleteNetworkPolicy("shop", "quarantine", { uid: "u-1" });
    expect(api.asked).toEqual([
      "DELETE /apis/networking.k8s.io/v1/namespaces/shop/networkpolicies/quarantine",
    ]);
  });
});
