import { afterEach, describe, expect, it } from "vitest";
import { type KubernetesStandIn, startKubernetes } from "../../../local/kubernetes/index.ts";
import { node, pod } from "../../playbooks/cluster-objects.ts";

// What the real API server (1.36) answered is measured; that there is no such log is a kubelet's word, from its source.
const open: KubernetesStandIn[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((cluster) => cluster.close()));
});

const two = { containers: ["web", "side"].map((name) => ({ name, image: `${name}:1` })) };

async function start(objects: readonly object[]): Promise<KubernetesStandIn> {
  const cluster = await startKubernetes();
  open.push(cluster);
  cluster.seed(objects);
  return cluster;
}

async function log(cluster: KubernetesStandIn, query: string, name = "web-1") {
  const answer = await fetch(`${cluster.url}/api/v1/namespaces/shop/pods/${name}/log${query}`, {
    headers: { authorization: "Bearer stand-in-token" },
  });
  const bytes = new Uint8Array(await answer.arrayBuffer());
  const text = new TextDecoder().decode(bytes);
  const body: unknown = answer.headers.get("content-type") === "application/json" ? JSON.parse(text) : text;
  return { status: answer.status, body, bytes };
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("the log of a container", () => {
  it("is what it printed, byte for byte, and the one before it apart", async () => {
    const cluster = await start([node("n1"), pod("web-1")]);
    const binary = Uint8Array.from([0, 255, 10, 195, 40, 7]);
    cluster.print("shop", "web-1", { container: "web" }, binary);
    cluster.print("shop", "web-1", { container: "web", previous: true }, bytesOf("before"));
    expect((await log(cluster, "?container=web")).bytes).toEqual(binary);
    expect((await log(cluster, "")).bytes).toEqual(binary);
    expect((await log(cluster, "?previous=true")).body).toBe("before");
    expect(cluster.effects).toEqual([]);
  });

  it("is of the last lines, and of these the first bytes", async () => {
    const cluster = await start([node("n1"), pod("web-1")]);
    cluster.print("shop", "web-1", { container: "web" }, bytesOf("one\ntwo\nthree\n"));
    expect((await log(cluster, "?tailLines=2")).body).toBe("two\nthree\n");
    expect((await log(cluster, "?tailLines=2&limitBytes=5")).body).toBe("two\nt");
    expect((await log(cluster, "?tailLines=9")).body).toBe("one\ntwo\nthree\n");
    expect((await log(cluster, "?tailLines=0")).body).toBe("");
  });

  it("is of another pod where it came back under its name", async () => {
    const cluster = await start([node("n1"), pod("web-1", { metadata: { uid: "u-1" } })]);
    cluster.print("shop", "web-1", { container: "web" }, bytesOf("old"));
    cluster.seed([pod("web-1", { metadata: { uid: "u-2" } })]);
    expect((await log(cluster, "?container=web")).body).toBe("");
  });

  it("is nothing, without content, of a pod that has no node", async () => {
    const cluster = await start([pod("web-1", { spec: { nodeName: "" } })]);
    expect(await log(cluster, "?container=web")).toMatchObject({ status: 204, body: "" });
  });

  it.each([
    ["?container=nope", 400, "container nope is not valid for pod web-1"],
    ["", 400, "a container name must be specified for pod web-1, choose one of: [web side]"],
    ["?container=web&previous=true", 400, 'previous terminated container "web" in pod "web-1" not found'],
    [
      "?container=web&limitBytes=0",
      422,
      'PodLogOptions "web-1" is invalid: limitBytes: Invalid value: 0: must be greater than 0',
    ],
    [
      "?container=web&tailLines=-1",
      422,
      'PodLogOptions "web-1" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0',
    ],
  ])("is refused as the real server refuses it: %s", async (query, code, message) => {
    const cluster = await start([node("n1"), pod("web-1", { spec: { ...two, nodeName: "n1" } })]);
    expect(await log(cluster, query)).toMatchObject({
      status: code,
      body: { kind: "Status", code, message },
    });
  });

  it("is not there where the node is not, has no address, or is silent; the server words it so", async () => {
    const address = { addresses: [{ type: "InternalIP", address: "127.0.0.1" }] };
    const cluster = await start([
      { ...node("bare"), status: {} },
      { ...node("silent"), status: address },
      ...["gone", "bare", "silent"].map((nodeName) => pod(`on-${nodeName}`, { spec: { nodeName } })),
    ]);
    expect(await log(cluster, "?container=web", "nobody")).toMatchObject({
      status: 404,
      body: { message: 'pods "nobody" not found' },
    });
    expect(await log(cluster, "?container=web", "on-gone")).toMatchObject({
      status: 404,
      body: { reason: "NotFound", message: 'pods "gone" not found' },
    });
    const bare = await log(cluster, "?container=web", "on-bare");
    expect(bare.body).toEqual({
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: "no preferred addresses found; known addresses: []",
      code: 500,
    });
    expect(await log(cluster, "?container=web", "on-silent")).toMatchObject({
      status: 500,
      body: { message: expect.stringMatching(/^Get "https:\/\/127.0.0.1:10250\/containerLogs\/.*refused$/) },
    });
  });

  it("is only read: nothing can be written to it", async () => {
    const cluster = await start([node("n1"), pod("web-1")]);
    const answer = await fetch(`${cluster.url}/api/v1/namespaces/shop/pods/web-1/log`, {
      method: "POST",
      headers: { authorization: "Bearer stand-in-token" },
    });
    expect(answer.status).toBe(405);
  });
});

describe("events", () => {
  it("are listed by what they are about, and by no other field", async () => {
    const event = (name: string, uid: string): object => ({
      apiVersion: "v1",
      kind: "Event",
      metadata: { namespace: "shop", name },
      involvedObject: { kind: "Pod", namespace: "shop", name: "web-1", uid },
    });
    const cluster = await start([event("a", "u-1"), event("b", "u-2")]);
    const list = async (field: string) => {
      const path = `/api/v1/namespaces/shop/events?fieldSelector=${encodeURIComponent(field)}`;
      const answer = await fetch(cluster.url + path, { headers: { authorization: "Bearer stand-in-token" } });
      return answer.json();
    };
    expect(await list("involvedObject.uid=u-2")).toMatchObject({ items: [{ metadata: { name: "b" } }] });
    expect(await list("involvedObject.nope=u")).toMatchObject({
      code: 400,
      message: "field label not supported: involvedObject.nope",
    });
    expect(() => cluster.seed([{ ...event("c", "u"), involvedObject: { namespace: "other" } }])).toThrow(
      /does not match event.namespace/,
    );
  });
});

describe("service accounts", () => {
  it("are there in every namespace, as its controller makes them", async () => {
    const cluster = await start([pod("web-1")]);
    expect(cluster.read("ServiceAccount", "shop", "default")).toBeDefined();
  });
});
