import { createServer } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { startKubernetes } from "../../../local/kubernetes/index.ts";
import { createKubernetes } from "../../../src/clients/kubernetes/index.ts";
import { Refused } from "../../../src/model/errors.ts";
import { pod } from "../../playbooks/cluster-objects.ts";

const open: { close(): Promise<void> }[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

/** An API server with so many pods, page by page as the real one: the stand-in takes its time to hold thousands. */
async function serving(count: number) {
  const pages: number[] = [];
  const server = createServer((request, response) => {
    const query = new URL(request.url ?? "", "http://x").searchParams;
    const from = Number(query.get("continue") ?? "0");
    const to = Math.min(count, from + Number(query.get("limit")));
    pages.push(to - from);
    const items = Array.from({ length: to - from }, (_none, index) => ({
      metadata: {
        namespace: "shop",
        name: `p-${from + index}`,
        uid: `u-${from + index}`,
        resourceVersion: "1",
        creationTimestamp: "2026-03-01T00:00:00Z",
      },
      status: { phase: "Running" },
    }));
    const metadata = { resourceVersion: "1", ...(to < count ? { continue: String(to) } : {}) };
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ kind: "PodList", apiVersion: "v1", metadata, items }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  open.push({ close });
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  const kubeconfigText = JSON.stringify({
    clusters: [{ name: "c", cluster: { server: `http://127.0.0.1:${port}` } }],
    users: [{ name: "u", user: { token: "t" } }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  });
  return { pages, ...createKubernetes({ kubeconfigText, context: null }) };
}

describe("the pods of a namespace", () => {
  it("are read page by page, and these are all", async () => {
    const { reader, pages } = await serving(1_201);
    const { pods, whole } = await reader.pods("shop");
    expect(new Set(pods.map(({ name }) => name)).size).toBe(1_201);
    expect(whole).toBe(true);
    expect(pages).toEqual([500, 500, 201]);
  });

  it("are 2,000 at most, and then it is said that there are more", async () => {
    const { reader, pages } = await serving(2_001);
    const { pods, whole } = await reader.pods("shop");
    expect([pods.length, whole]).toEqual([2_000, false]);
    expect(pages).toEqual([500, 500, 500, 500]);
  });

  it("are those of this namespace only, with what matters of each, and a bad name never leaves", async () => {
    const cluster = await startKubernetes({ controllers: false });
    open.push(cluster);
    cluster.seed([pod("web-1"), pod("web-2", { metadata: { namespace: "bank" } })]);
    const { reader } = createKubernetes({ kubeconfigText: cluster.kubeconfig(), context: null });
    const { pods, whole } = await reader.pods("shop");
    expect(pods).toEqual([await reader.pod("shop", "web-1")]);
    expect(whole).toBe(true);
    cluster.clear();
    await expect(reader.pods("../bank")).rejects.toThrow(Refused);
    expect(cluster.requests).toEqual([]);
  });
});
