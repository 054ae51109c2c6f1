import { describe, expect, it } from "vitest";
import type { KubernetesStandIn } from "../../local/kubernetes/index.ts";
import { Refused } from "../../src/model/errors.ts";
import { blockListValue } from "../../src/model/incident-mark.ts";
import { type Plan, sealPlan } from "../../src/model/plan.ts";
import { blockImage } from "../../src/playbooks/block-image.ts";
import { blockListObjects, CLUSTER, manifest, pod } from "./cluster-objects.ts";
import { startCluster } from "./start-cluster.ts";

const DIGEST = `sha256:${"4f".repeat(32)}`;
const BY_TAG = "docker.io_S_library_S_evil_T_1";
const BY_DIGEST = DIGEST.replace(":", ".");

async function start(entries: Record<string, string> = {}, objects = blockListObjects()) {
  return startCluster(
    objects.map((object) =>
      "kind" in object && object.kind === "AdmissionList" ? { ...object, spec: { entries } } : object,
    ),
    { controllers: false },
  );
}

type Ports = Awaited<ReturnType<typeof start>>["ports"];

const image = (reference: string | null, digest: string | null = null) =>
  ({ kind: "image", cluster: CLUSTER, reference, digest }) as const;

function propose(ports: Ports, target: ReturnType<typeof image>, parameters: object = {}) {
  return blockImage.plan({ target, parameters, remediationId: "a-1" }, ports);
}

async function planOf(ports: Ports, target: ReturnType<typeof image>): Promise<Plan> {
  const outcome = await propose(ports, target);
  if (outcome.outcome !== "change") throw new Error(outcome.reason);
  return sealPlan(outcome.draft, { remediationId: "a-1", playbook: blockImage.name, target });
}

const entriesOf = (cluster: KubernetesStandIn) =>
  Object(cluster.read("admissionlists", "defender-reflex", "reflex-blocked-images")?.["spec"]).entries;

async function create(cluster: KubernetesStandIn, of: string, namespace = "default"): Promise<number> {
  const body = pod("new", { metadata: { namespace }, spec: { containers: [{ name: "c", image: of }] } });
  const response = await fetch(`${cluster.url}/api/v1/namespaces/${namespace}/pods?dryRun=All`, {
    method: "POST",
    headers: { authorization: "Bearer stand-in-token", "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return response.status;
}

describe("what is not blocked", () => {
  it("is refused, with the manifest to apply, in a cluster without a block list", async () => {
    const { ports } = await start({}, []);
    const attempt = propose(ports, image("evil:1"));
    await expect(attempt).rejects.toThrow(Refused);
    await expect(attempt).rejects.toMatchObject({ advice: expect.stringContaining("infra/kubernetes") });
  });

  it.each([
    ["nothing is known", image(null)],
    ["the reference is none", image("not a reference")],
    ["the digest is none", image(null, "sha256:abc")],
    ["the key would be too long", image(`reg.example/${"a/".repeat(120)}b:1`)],
  ])("skips where %s, without a request", async (_what, target) => {
    const { cluster, ports } = await start();
    expect(await propose(ports, target)).toMatchObject({ outcome: "skip" });
    expect(cluster.requests).toEqual([]);
  });

  it.each([
    "mcr.microsoft.com/oss/kubernetes/coredns:v1.11",
    "MCR.microsoft.com/aks/x",
    "registry.k8s.io/pause:3.10",
    `quay.io/openshift-release-dev/ocp-v4.0-art-dev@${DIGEST}`,
  ])("never blocks the platform's own %s, whatever its digest", async (reference) => {
    const { ports } = await start();
    expect(await propose(ports, image(reference, DIGEST))).toMatchObject({
      outcome: "skip",
      reason: expect.stringContaining("never blocked"),
    });
  });

  it("takes another list of what is never blocked, whole names or all below one", async () => {
    const { ports } = await start();
    const neverBlock = ["docker.io/library/evil", "reg.example/base/*"];
    const outcomes = [
      "evil:1",
      "reg.example/base/os:2",
      "evil-twin:1",
      "reg.example/bases:1",
      "mcr.microsoft.com/x",
    ].map(async (reference) => (await propose(ports, image(reference), { neverBlock })).outcome);
    expect(await Promise.all(outcomes)).toEqual(["skip", "skip", "change", "change", "change"]);
  });

  it("has nothing to do where others have entered all of it", async () => {
    const { ports } = await start({ [BY_TAG]: blockListValue("b-2"), [BY_DIGEST]: "by hand" });
    expect(await propose(ports, image("evil:1", DIGEST))).toMatchObject({ outcome: "no-op" });
  });
});

describe("blocking", () => {
  it("keeps the image out under every spelling of its name, and lets others in", async () => {
    const { cluster, ports } = await start();
    const plan = await planOf(ports, image("library/evil:1", DIGEST));
    const spellings = [
      "evil:1",
      "docker.io/evil:1",
      "index.docker.io/library/evil:1",
      `reg.example/copy@${DIGEST}`,
    ];
    const others = ["evil:2", "evil", "localhost/evil:1"];
    const statuses = () => Promise.all([...spellings, ...others].map((name) => create(cluster, name)));
    expect(await statuses()).toEqual([201, 201, 201, 201, 201, 201, 201]);
    await blockImage.apply(plan, ports);
    expect(await statuses()).toEqual([422, 422, 422, 422, 201, 201, 201]);
    expect(await create(cluster, "evil:1", "kube-system")).toBe(201);
    await blockImage.revert(plan, ports);
    expect(await statuses()).toEqual([201, 201, 201, 201, 201, 201, 201]);
  });

  it("says what is not covered where only the tag, or only the digest, is known", async () => {
    const { ports } = await start();
    expect((await planOf(ports, image("evil:1"))).limits.join(" ")).toContain("digest is not known");
    expect((await planOf(ports, image(null, DIGEST))).limits.join(" ")).toContain("no tag is known");
    expect((await planOf(ports, image("evil:1", DIGEST))).limits.join(" ")).not.toContain("known");
  });

  it("adds and takes back only what was not there, and leaves every other entry alone", async () => {
    const others = { [BY_TAG]: blockListValue("b-2"), "sha256.00": "by hand" };
    const { cluster, ports } = await start(others);
    const plan = await planOf(ports, image("evil:1", DIGEST));
    expect(plan.steps.map(({ after }) => after)).toEqual([blockListValue("a-1")]);
    expect(plan.limits.join(" ")).toContain(BY_TAG);
    await blockImage.apply(plan, ports);
    expect(entriesOf(cluster)).toEqual({ ...others, [BY_DIGEST]: blockListValue("a-1") });
    expect(await blockImage.revert(plan, ports)).toEqual({ outcome: "restored" });
    expect(entriesOf(cluster)).toEqual(others);
  });

  it("is absent, and gone when taken back, once the manifests are not whole any more", async () => {
    const whole = await start();
    const plan = await planOf(whole.ports, image("evil:1"));
    const { ports } = await start({}, blockListObjects().slice(0, 3));
    expect(await blockImage.verify(plan, ports)).toMatchObject({ verdict: "absent" });
    expect(await blockImage.revert(plan, ports)).toMatchObject({ outcome: "gone" });
    await expect(blockImage.apply(plan, ports)).rejects.toThrow(Refused);
  });

  it("is absent once somebody has taken an entry out, and then has nothing left to take back", async () => {
    const { cluster, ports } = await start();
    const plan = await planOf(ports, image("evil:1", DIGEST));
    await blockImage.apply(plan, ports);
    cluster.seed(manifest("2-blocked-images.yaml"));
    cluster.clear();
    expect(await blockImage.verify(plan, ports)).toMatchObject({ verdict: "absent" });
    expect(await blockImage.revert(plan, ports)).toEqual({ outcome: "restored" });
    expect(cluster.effects).toEqual([]);
  });
});
