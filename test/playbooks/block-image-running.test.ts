import { describe, expect, it } from "vitest";
import { blockImage } from "../../src/playbooks/block-image.ts";
import { DIGEST, image, planOf, propose, start } from "./block-image-bench.ts";
import { pod } from "./cluster-objects.ts";

/** A running pod of some owner. */
function owned(
  name: string,
  namespace: string,
  of: string,
  more: { owner?: object; digest?: string } = {},
): object {
  const ownerReferences = more.owner === undefined ? [] : [{ uid: "u", controller: true, ...more.owner }];
  return {
    ...pod(name, {
      metadata: { namespace, ownerReferences, labels: { "pod-template-hash": "5d4f" } },
      spec: { containers: [{ name: "c", image: of }] },
    }),
    status: {
      phase: "Running",
      containerStatuses: [{ name: "c", image: of, imageID: more.digest ?? "", ready: true, restartCount: 0 }],
    },
  };
}
const replicaSet = { apiVersion: "apps/v1", kind: "ReplicaSet", name: "web-5d4f" };

describe("who runs the image already", () => {
  it("is in the plan, by owner, found by every spelling and by the digest that runs", async () => {
    const { ports } = await start([
      owned("web-1", "shop", "evil:1", { owner: replicaSet }),
      owned("web-2", "shop", "docker.io/library/evil:1", { owner: replicaSet }),
      owned("web-3", "shop", "index.docker.io/evil:1", { owner: replicaSet }),
      owned("db-0", "bank", "copy:7", {
        owner: { apiVersion: "apps/v1", kind: "StatefulSet", name: "db" },
        digest: `reg.example/copy@${DIGEST}`,
      }),
      owned("bare", "bank", "evil:1"),
      owned("good", "bank", "evil:2"),
      { ...Object(owned("over", "bank", "evil:1")), status: { phase: "Succeeded" } },
    ]);
    expect((await planOf(ports)).limits.slice(0, 3)).toEqual([
      "3 pods of Deployment shop/web run it already and go on.",
      "1 pod of StatefulSet bank/db runs it already and goes on.",
      "Pod bank/bare runs it already and goes on.",
    ]);
  });

  it("is cut to ten owners and the number of the others", async () => {
    const many = Array.from({ length: 13 }, (_, at) => owned(`bare-${at}`, "shop", "evil:1"));
    const { limits } = await planOf((await start(many)).ports);
    expect(limits.filter((limit) => limit.endsWith("runs it already and goes on."))).toHaveLength(10);
    expect(limits).toContain("So do 3 pods of 3 more workloads.");
  });

  it("is looked for page by page, and the plan says where there were too many to look at all", async () => {
    const { cluster, ports } = await start();
    const item = {
      metadata: {
        name: "p",
        namespace: "shop",
        uid: "u",
        resourceVersion: "1",
        creationTimestamp: "2026-01-01T00:00:00Z",
      },
    };
    const body = {
      kind: "PodList",
      apiVersion: "v1",
      metadata: { resourceVersion: "1", continue: "more" },
      items: [item],
    };
    const match = { method: "GET", path: "/api/v1/pods" };
    cluster.faults.add({ match, times: 99, answer: { kind: "status", status: 200, body } });
    expect((await planOf(ports)).limits.join(" ")).toContain("Only the first 10,000 pods were looked at");
    const pages = cluster.requests.filter(({ path }) => path === "/api/v1/pods");
    expect(pages).toHaveLength(20);
    expect(pages[1]?.query).toContain("continue=more");
    expect(pages.every(({ query }) => query.includes("limit=500"))).toBe(true);
  });
});

describe("what is never blocked", () => {
  it.each<[string, object]>([
    ["an image that a protected namespace runs", owned("dns", "kube-system", "evil:1")],
    ["one that the platform runs by digest", owned("x", "openshift-dns", "y:1", { digest: `y@${DIGEST}` })],
    [
      "a digest of the platform's registry",
      owned("x", "shop", "mcr.microsoft.com/a:1", { digest: `m/a@${DIGEST}` }),
    ],
  ])("is %s, and the reason names the pod", async (_what, one) => {
    const { cluster, ports } = await start([one]);
    expect(await propose(ports, image("evil:1", DIGEST))).toMatchObject({
      outcome: "skip",
      reason: expect.stringMatching(/is never blocked, since pod [a-z-]+\/[a-z]+ runs it/),
    });
    expect(cluster.requests.filter(({ method }) => method !== "GET")).toEqual([]);
  });

  it("is what our own probe names", async () => {
    const { ports } = await start();
    const outcome = await propose(ports, image("defender-reflex.invalid/probe:good"), { neverBlock: [] });
    expect(outcome).toMatchObject({ outcome: "skip", reason: expect.stringContaining("never blocked") });
  });

  it("is a whole repository, unless the rule says so and a person agrees", async () => {
    const { ports } = await start();
    expect(blockImage.needsApproval?.({})).toBeNull();
    expect(blockImage.needsApproval?.({ wholeRepository: true })).toMatch(/so a person decides$/);
    expect(blockImage.needsApproval?.({ wholeRepository: "yes" })).toMatch(/cannot be read/);
    const plan = await planOf(ports, image("evil/miner:1"), { wholeRepository: true });
    expect(plan.steps.map(({ sentence }) => sentence)).toEqual([
      "add docker.io_S_evil_S_miner to the block list",
    ]);
    await blockImage.apply(plan, ports);
    expect(await blockImage.verify(plan, ports)).toEqual({ verdict: "holds", proof: "proved" });
    expect(await propose(ports, image(null, DIGEST), { wholeRepository: true })).toMatchObject({
      outcome: "skip",
    });
  });
});
