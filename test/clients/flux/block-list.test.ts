import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { Conflict, Permanent, Refused, Retryable } from "../../../src/model/errors.ts";
import { type Plan, sealPlan } from "../../../src/model/plan.ts";
import type { WritePorts } from "../../../src/model/playbook.ts";
import { blockImage } from "../../../src/playbooks/block-image.ts";
import { DIGEST, image, start } from "../../playbooks/block-image-bench.ts";
import { blockListObjects, CLUSTER } from "../../playbooks/cluster-objects.ts";
import { ACCOUNT, BLOB, type FluxBench, fluxBenches, type Mishap } from "./flux-bench.ts";

const KEY = "docker.io_S_library_S_evil_T_1";
const DIGEST_KEY = DIGEST.replace(":", ".");
const OURS = JSON.stringify({ remediation: "a-1" });
const MINUTE = 60_000;

let b: FluxBench;
const openBench = fluxBenches("list");

async function bench(): Promise<FluxBench> {
  b = await openBench();
  return b;
}

async function planned(ports: WritePorts, id = "a-1", target = image("evil:1", DIGEST)): Promise<Plan> {
  const outcome = await blockImage.plan({ target, parameters: {}, remediationId: id }, ports);
  if (outcome.outcome !== "change") throw new Error(`${outcome.outcome}: ${outcome.reason}`);
  return sealPlan(outcome.draft, { remediationId: id, playbook: blockImage.name, target });
}

/** A bench on which the image is blocked. */
async function blocked(): Promise<{ ports: WritePorts; plan: Plan }> {
  await bench();
  const ports = b.app();
  const plan = await planned(ports);
  await blockImage.apply(plan, ports);
  b.requests.length = 0;
  return { ports, plan };
}

const entries = async (): Promise<Record<string, string>> => parse((await b.text()) ?? "").spec.entries;
const writes = (): string[] => b.requests.filter((one) => one.startsWith("PUT"));

async function caught(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => `it did not fail: ${JSON.stringify(value)}`,
    (error: unknown) => error,
  );
}

/** As the engine does: what moved is begun again at once. */
async function applied(plan: Plan, ports: WritePorts): Promise<void> {
  for (let more = 0; more < 10; more += 1) {
    const error = await caught(blockImage.apply(plan, ports));
    if (typeof error === "string") return;
    if (!(error instanceof Retryable && error.retryAfterMs === 0)) throw error;
  }
}

describe("the block list of a cluster that Flux reaches alone", () => {
  it("is laid out with our entries, and no more than declared", async () => {
    const { ports, plan } = await blocked();
    expect(parse((await b.text()) ?? "")).toEqual({
      apiVersion: "defender-reflex.dev/v1",
      kind: "AdmissionList",
      metadata: {
        name: "reflex-blocked-images",
        namespace: "defender-reflex",
        labels: { "app.kubernetes.io/managed-by": "defender-reflex" },
      },
      spec: { entries: { [KEY]: OURS, [DIGEST_KEY]: OURS } },
    });
    expect(await blockImage.verify(plan, ports)).toEqual({
      verdict: "holds",
      proof: "declared",
      note: "laid out for the cluster, which looks every 60 s; its Flux last reported Compliant (2026-03-02T07:58:00Z)",
    });
    expect(b.arm.breaches).toEqual([]);
  });

  it("blocks once a cluster has taken it as it lies there", async () => {
    const { plan } = await blocked();
    const others = blockListObjects().filter((one) => Object(one).kind !== "AdmissionList");
    const { ports } = await start([], [...others, parse((await b.text()) ?? "")]);
    expect(await blockImage.verify(plan, ports)).toEqual({ verdict: "holds", proof: "proved" });
  });

  it("is planned with what is assumed and what cannot be told, and nothing is written for it", async () => {
    await bench();
    const ports = b.app();
    const { identity, limits, steps } = await planned(ports);
    expect(identity).toBe(`${b.url}/${BLOB}`);
    expect(steps.map(({ sentence }) => sentence)).toContain(`add ${KEY} to the block list`);
    expect(limits.join(" ")).toMatch(
      /cannot be told.*Assumed, and not to be checked.*every 60 s.*Declared at most/,
    );
    expect(limits.join(" ")).not.toContain("Proved is");
    expect([await b.text(), writes()]).toEqual([null, []]);
  });

  it("gives our entries back, keeps those of others, and may be asked twice", async () => {
    const { ports, plan } = await blocked();
    const other = await planned(ports, "a-2", image("other:1"));
    await blockImage.apply(other, ports);
    for (let twice = 0; twice < 2; twice += 1) {
      expect(await blockImage.revert(plan, ports)).toEqual({ outcome: "restored" });
    }
    expect(Object.keys(await entries())).toEqual(["docker.io_S_library_S_other_T_1"]);
    expect(writes()).toEqual(["PUT 201", "PUT 201"]);
    expect(await blockImage.verify(plan, ports)).toMatchObject({ verdict: "absent" });
  });

  it("is not blocked twice", async () => {
    const { ports, plan } = await blocked();
    await blockImage.apply(plan, ports);
    expect(writes()).toEqual([]);
    const target = image("evil:1", DIGEST);
    const again = await blockImage.plan({ target, parameters: {}, remediationId: "a-2" }, ports);
    expect(again).toMatchObject({ outcome: "no-op", identity: plan.identity });
  });

  it("loses no entry of two apps that write at once", async () => {
    await bench();
    const apps = [b.app(), b.app(), b.app()];
    const plans = await Promise.all(apps.map((ports, at) => planned(ports, `a-${at}`, image(`evil:${at}`))));
    await Promise.all(plans.map((plan, at) => applied(plan, apps[at] ?? b.app())));
    expect(Object.keys(await entries())).toHaveLength(3);
  });

  it.each(["begun", "changed"])(
    "is written again on what it is now, where it was %s meanwhile",
    async (how) => {
      await bench();
      const ports = b.app();
      const list = (more: object) =>
        JSON.stringify({
          apiVersion: "defender-reflex.dev/v1",
          kind: "AdmissionList",
          metadata: { name: "reflex-blocked-images", namespace: "defender-reflex" },
          spec: { entries: more },
        });
      if (how === "changed") await b.put(list({}));
      const plan = await planned(ports);
      b.mishaps.push({ method: "PUT", before: () => b.put(list({ theirs: "x" })) });
      await blockImage.apply(plan, ports);
      expect(await entries()).toEqual({ theirs: "x", [KEY]: OURS, [DIGEST_KEY]: OURS });
      expect(writes()).toEqual([how === "begun" ? "PUT 409" : "PUT 412", "PUT 201"]);
    },
  );

  it("is left alone where somebody else wrote the very entry meanwhile, or writes all the time", async () => {
    const { ports, plan } = await blocked();
    const lying = (await b.text()) ?? "";
    const theirs = lying.replaceAll("a-1", "someone");
    b.mishaps.push({ method: "PUT", before: () => b.put(theirs) });
    const moved = { kind: "retryable", retryAfterMs: 0 };
    expect(await caught(blockImage.revert(plan, ports))).toMatchObject(moved);
    expect(await b.text()).toBe(theirs);
    await b.put(lying);
    const busy = { method: "PUT", before: () => b.put(lying) } as const;
    b.mishaps.push(...Array.from({ length: 8 }, () => busy));
    expect(await caught(blockImage.revert(plan, ports))).toMatchObject(moved);
    await blockImage.revert(plan, ports);
    expect(await entries()).toEqual({});
  });

  it("is not written again where the answer of a write got lost", async () => {
    await bench();
    const ports = b.app();
    const plan = await planned(ports);
    b.mishaps.push({ method: "PUT", lost: true });
    const error = await caught(blockImage.apply(plan, ports));
    expect(error).toBeInstanceOf(Retryable);
    expect(error).not.toMatchObject({ retryAfterMs: 0 });
    await blockImage.apply(plan, ports);
    expect(writes()).toEqual(["PUT 0"]);
    expect(await blockImage.verify(plan, ports)).toMatchObject({ proof: "declared" });
  });

  it("keeps what an operator began it with", async () => {
    await bench();
    await b.put(
      "# ours\napiVersion: defender-reflex.dev/v1\nkind: AdmissionList\nmetadata:\n  name: reflex-blocked-images\n  namespace: defender-reflex\n  annotations: { team: shop }\nspec:\n  entries: { theirs: by hand }\n",
    );
    const ports = b.app();
    await blockImage.apply(await planned(ports), ports);
    expect(parse((await b.text()) ?? "")).toMatchObject({
      metadata: { annotations: { team: "shop" } },
      spec: { entries: { theirs: "by hand", [KEY]: OURS } },
    });
  });

  it("leaves an entry alone that somebody else has changed", async () => {
    const { ports, plan } = await blocked();
    const changed = (await b.text())?.replaceAll("a-1", "someone") ?? "";
    await b.put(changed);
    for (const act of [blockImage.apply(plan, ports), blockImage.revert(plan, ports)]) {
      const error = await caught(act);
      expect(error).toBeInstanceOf(Conflict);
      expect(error).toMatchObject({ advice: expect.stringContaining(`${b.url}/${BLOB}`) });
    }
    expect(await b.text()).toBe(changed);
    expect(await blockImage.verify(plan, ports)).toMatchObject({ verdict: "absent" });
  });

  it("is gone where somebody took the blob away, and taking it back is done", async () => {
    const { ports, plan } = await blocked();
    await b.container.deleteBlob(BLOB);
    expect(await blockImage.verify(plan, ports)).toMatchObject({ verdict: "absent" });
    expect(await blockImage.revert(plan, ports)).toEqual({ outcome: "restored" });
    expect(writes()).toEqual([]);
  });

  it.each(["Non-Compliant", "Suspended"])(
    "is partial where Flux itself reports %s",
    async (complianceState) => {
      const { ports, plan } = await blocked();
      b.show({ complianceState });
      b.pass(5 * MINUTE);
      const found = await blockImage.verify(plan, ports);
      expect(found).toMatchObject({
        verdict: "partial",
        remains: [expect.stringContaining(complianceState)],
      });
    },
  );

  it.each([
    ["Pending", "its Flux last reported Pending (2026-03-02T07:58:00Z)"],
    [null, "Azure shows no report of its Flux"],
  ])("is declared where Flux reports %s", async (complianceState, words) => {
    await bench();
    b.show(complianceState === null ? { complianceState: undefined } : { complianceState });
    const ports = b.app();
    const plan = await planned(ports);
    await blockImage.apply(plan, ports);
    expect(await blockImage.verify(plan, ports)).toMatchObject({
      proof: "declared",
      note: expect.stringContaining(words),
    });
  });

  it("shows what bears our mark", async () => {
    const { ports } = await blocked();
    expect(await ports.read.kubernetes(CLUSTER).marked()).toEqual(
      [KEY, DIGEST_KEY].map((key) => ({ object: `block list entry ${key}`, remediationId: "a-1" })),
    );
  });

  it("takes no more entries than a cluster takes", async () => {
    const { ports } = await blocked();
    const many = Object.fromEntries(Array.from({ length: 9_999 }, (_none, at) => [`k${at}`, "x"]));
    const reader = ports.read.kubernetes(CLUSTER);
    const list = await reader.blockList();
    if (list === null) throw new Error("a list is wanted");
    const error = await caught(ports.write.kubernetes(CLUSTER).changeBlockList(list, many));
    expect(error).toBeInstanceOf(Refused);
    expect(Object.keys(await entries())).toHaveLength(2);
  });
});

describe("the Flux configuration of a cluster", () => {
  it.each<[string, object | null, RegExp]>([
    ["is not there", null, /is not there/],
    ["is being deleted", { provisioningState: "Deleting" }, /being deleted/],
    ["is suspended", { suspend: true }, /suspended/],
    ["fetches from git", { sourceKind: "GitRepository" }, /from GitRepository/],
    ["has no source", { azureBlob: null }, /does not fetch from/],
    ["fetches from another container", { azureBlob: { url: ACCOUNT, containerName: "other" } }, /fetch from/],
    [
      "fetches from another account",
      { azureBlob: { url: "https://another.blob.core.windows.net", containerName: "list-1" } },
      /fetch from/,
    ],
    ["applies nothing", { kustomizations: {} }, /no kustomization/],
    [
      "applies another folder",
      { kustomizations: { a: { path: "./shop", prune: true } } },
      /no kustomization/,
    ],
    ["does not prune", { kustomizations: { a: { path: "./" } } }, /does not prune \(kustomization a\)/],
    ["is for another namespace", { scope: "namespace", namespace: "shop" }, /namespace shop alone/],
  ])(
    "refuses a block where it %s, before the container is asked for anything",
    async (_what, more, words) => {
      await bench();
      b.show(more === null ? null : { ...more });
      const error = await caught(planned(b.app()));
      expect(error).toBeInstanceOf(Refused);
      expect(error).toMatchObject({ message: expect.stringMatching(words) });
      expect(b.requests).toEqual([]);
      expect(b.arm.breaches).toEqual([]);
    },
  );

  it.each([
    { scope: "namespace", namespace: "defender-reflex" },
    { kustomizations: { other: { path: "shop", prune: false }, list: { path: ".", prune: true } } },
  ])("is taken where it applies the list all the same: %o", async (more) => {
    await bench();
    b.show(more);
    expect(await planned(b.app())).toMatchObject({ playbook: "block-image" });
  });

  it("is asked for once in five minutes where it is good, and each time where it is not", async () => {
    const { ports, plan } = await blocked();
    expect(b.arm.requests).toHaveLength(1);
    b.show({ suspend: true });
    b.pass(5 * MINUTE - 1);
    expect(await blockImage.verify(plan, ports)).toMatchObject({ proof: "declared" });
    b.pass(1);
    for (let twice = 0; twice < 2; twice += 1) {
      expect(await caught(blockImage.revert(plan, ports))).toBeInstanceOf(Refused);
    }
    expect([b.arm.requests.length, writes()]).toEqual([3, []]);
  });

  it.each<[number, unknown]>([
    [403, Permanent],
    [401, Permanent],
    [429, Retryable],
    [500, Retryable],
  ])("that cannot be read (%i) lets nothing be written", async (status, kind) => {
    await bench();
    b.arm.faults.add({ match: { path: "fluxConfigurations" }, times: 9, answer: { kind: "status", status } });
    expect(await caught(planned(b.app()))).toBeInstanceOf(kind);
    expect(b.requests).toEqual([]);
  });

  it("that is shown as something else is asked for again", async () => {
    await bench();
    const body = { properties: { suspend: "no" } };
    b.arm.faults.add({
      match: { path: "fluxConfigurations" },
      answer: { kind: "status", status: 200, body },
    });
    expect(await caught(planned(b.app()))).toBeInstanceOf(Retryable);
    expect(b.requests).toEqual([]);
  });
});

describe("the container of a cluster's block list", () => {
  it.each<[string, Mishap, unknown]>([
    ["forbids (403)", { method: "GET", status: 403 }, Permanent],
    ["does not know the app (401)", { method: "GET", status: 401 }, Permanent],
    ["leads elsewhere", { method: "GET", status: 307, headers: { location: "/elsewhere" } }, Permanent],
    ["is busy (503)", { method: "GET", status: 503 }, Retryable],
    ["has too much to do (429)", { method: "GET", status: 429 }, Retryable],
    ["breaks off", { method: "GET", lost: true }, Retryable],
  ])("is asked once where it %s, and nothing is written", async (_how, mishap, kind) => {
    await bench();
    b.mishaps.push(mishap);
    const error = await caught(planned(b.app()));
    expect(error).toBeInstanceOf(kind);
    expect(error).not.toMatchObject({ retryAfterMs: 0 });
    expect(b.requests).toHaveLength(1);
  });

  it.each<[string, Mishap, unknown]>([
    ["forbids (403)", { method: "PUT", status: 403 }, Permanent],
    ["leads elsewhere", { method: "PUT", status: 307, headers: { location: "/elsewhere" } }, Permanent],
    [
      "is locked",
      { method: "PUT", status: 409, headers: { "x-ms-error-code": "BlobImmutableDueToPolicy" } },
      Permanent,
    ],
    ["is busy (503)", { method: "PUT", status: 503 }, Retryable],
  ])("is written to once where it %s", async (_how, mishap, kind) => {
    await bench();
    const ports = b.app();
    const plan = await planned(ports);
    b.mishaps.push(mishap);
    expect(await caught(blockImage.apply(plan, ports))).toBeInstanceOf(kind);
    expect([writes().length, await b.text()]).toEqual([1, null]);
  });

  it("is not made by the app", async () => {
    await bench();
    await b.container.delete();
    const error = await caught(planned(b.app()));
    expect(error).toBeInstanceOf(Permanent);
    expect(error).toMatchObject({ message: expect.stringContaining("no such container") });
  });

  it.each([
    ["nothing", ""],
    ["words", "<html>hello</html>"],
    ["broken YAML", "a: [1"],
    [
      "another list",
      "apiVersion: defender-reflex.dev/v1\nkind: AdmissionList\nmetadata: { name: x, namespace: y }",
    ],
    ["another kind", '{"apiVersion":"v1","kind":"ConfigMap"}'],
    ["two documents", "a: 1\n---\nb: 2"],
    ["aliases", "a: &a [x]\nb: [*a, *a]"],
  ])("keeps %s that somebody laid in the list's place", async (_what, text) => {
    await bench();
    await b.put(text);
    const error = await caught(planned(b.app()));
    expect(error).toBeInstanceOf(Permanent);
    expect(error).toMatchObject({ message: expect.stringContaining("is not the list") });
    expect([writes(), await b.text()]).toEqual([[], text]);
  });
});
