import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ArmStandIn } from "../../../local/arm/index.ts";
import { withTimes } from "../../../local/start/samples.ts";
import { openArmAccess } from "../../../src/clients/arm/index.ts";
import { createDefender } from "../../../src/clients/defender/index.ts";
import { summarize } from "../../../src/engine/signal-identity.ts";
import type { DefenderPort, DefenderReference } from "../../../src/model/defender-port.ts";
import { Permanent, Retryable } from "../../../src/model/errors.ts";
import { decodeEvent } from "../../../src/signals/index.ts";
import { armBench, contracts, type credentialOf } from "../arm/arm-bench.ts";
import { FAULTS, SHORT_MS } from "../arm/faults.ts";

const NOW = new Date("2026-03-02T08:00:00.000Z");
const SAMPLES = new URL("../../../local/samples/events/", import.meta.url);
const SUBSCRIPTION = "3f0c9c1e-52a7-4d6b-8e14-0b7a5d9c2e61";
const CLUSTER = `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg-shop/providers/Microsoft.ContainerService/managedClusters/aks-shop`;

/** A body as continuous export publishes it, and where it says that Defender keeps it. */
function exported(sample: string): { body: string; reference: DefenderReference } {
  const body = withTimes(readFileSync(new URL(`${sample}.json`, SAMPLES), "utf8"), NOW);
  const [decoded] = decodeEvent(body);
  if (decoded === undefined || !("signal" in decoded)) throw new Error(`${sample} is no signal`);
  const { reference } = summarize(decoded.signal);
  if (reference === null) throw new Error(`${sample} has no reference`);
  return { body, reference };
}

const miner = exported("12-miner");
let arm: ArmStandIn;
let defender: DefenderPort;
let credential: ReturnType<typeof credentialOf>;

beforeAll(async () => {
  const made = await armBench({ timeoutMs: SHORT_MS });
  ({ arm, credential } = made);
  defender = createDefender(made.access);
  arm.documents.learn(miner.body);
  await createDefender(openArmAccess({ credential, endpoint: arm.url, allowLoopback: true })).find(
    miner.reference,
  );
});
afterAll(() => arm.stop());

describe("Defender, asked for what it exported", () => {
  it("reads an alert where its link says that it is kept, in one call", async () => {
    const before = arm.requests.length;
    const { name } = miner.reference as Extract<DefenderReference, { kind: "alert" }>;
    expect(await defender.find(miner.reference)).toMatchObject({
      id: name,
      key: "K8S.NODE_CryptoCoinMinerExecution",
      severity: "High",
      open: true,
      status: "Active",
      resourceIds: [CLUSTER],
      at: "2026-03-02T07:52:00.000Z",
      body: { name, properties: { systemAlertId: name } },
    });
    expect(arm.requests.slice(before)).toMatchObject([
      {
        path: `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg-shop/providers/Microsoft.Security/locations/westeurope/alerts/${name}`,
        apiVersion: "2021-11-01",
      },
    ]);
  });

  it("reads an alert that is kept at the subscription", async () => {
    const body = miner.body.replace("/resourceGroup/rg-shop", "");
    const [decoded] = decodeEvent(body);
    if (decoded === undefined || !("signal" in decoded)) throw new Error("no signal");
    const { reference } = summarize(decoded.signal);
    expect(reference).toMatchObject({ kind: "alert", resourceGroup: null });
    arm.documents.learn(body);
    const found = reference === null ? null : await defender.find(reference);
    expect(found).toMatchObject({ key: "K8S.NODE_CryptoCoinMinerExecution" });
    expect(arm.requests.at(-1)?.path).not.toContain("resourceGroups");
  });

  it.each(["Dismissed", "Resolved", "InProgress"])("says that a %s alert is not open", async (status) => {
    const [id = ""] = arm.documents.ids();
    arm.documents.change(id, { status });
    expect(await defender.find(miner.reference)).toMatchObject({ open: false, status });
    arm.documents.learn(miner.body);
  });

  it("reads a recommendation with its severity, which is in the metadata", async () => {
    const { body, reference } = exported("19-vulnerable-image-running");
    expect(await defender.find(reference)).toBeNull();
    arm.documents.learn(body);
    expect(await defender.find(reference)).toMatchObject({
      id: "c609cf0f-71ab-41e9-a3c6-9a1f7fe1b8d5",
      key: "c609cf0f-71ab-41e9-a3c6-9a1f7fe1b8d5",
      severity: "High",
      open: true,
      status: "Unhealthy",
      at: "2026-03-02T07:30:00.000Z",
    });
  });

  it.each(["20-registry-finding-critical", "21-registry-finding-medium"])(
    "reads the finding %s",
    async (sample) => {
      const { body, reference } = exported(sample);
      expect(await defender.find(reference)).toBeNull();
      arm.documents.learn(body);
      const found = await defender.find(reference);
      expect(found).toMatchObject({ open: true, key: "c0b7cfc6-3172-465a-b378-53c7ff2cc0d5" });
      expect(found?.resourceIds.some((id) => id.endsWith("/registries/acrshop"))).toBe(true);
    },
  );

  it("gives null for an alert that Defender does not have", async () => {
    expect(await defender.find({ ...miner.reference, name: "nobody-knows" } as DefenderReference)).toBeNull();
  });

  it("takes no record under another name for the one that was asked for", async () => {
    const [id = ""] = arm.documents.ids();
    arm.documents.change(id, { systemAlertId: "another" });
    await expect(defender.find(miner.reference)).rejects.toThrow(/not Azure Resource Manager/);
    arm.documents.learn(miner.body);
  });

  it.each([
    { resourceGroup: "../other" },
    { resourceGroup: "a/b" },
    { location: "west?x=1" },
    { name: ".." },
    { name: "a/dismiss" },
    { subscriptionId: "not-a-guid" },
  ])("refuses a reference with %j before a token is asked for", async (part) => {
    const [requests, tokens] = [arm.requests.length, credential.asked];
    const reference = { ...miner.reference, ...part } as DefenderReference;
    await expect(defender.find(reference)).rejects.toBeInstanceOf(Permanent);
    expect([arm.requests.length, credential.asked]).toEqual([requests, tokens]);
  });

  it("refuses the id of a resource that is none", async () => {
    for (const resourceId of [
      "/subscriptions/x",
      `${CLUSTER}/../other`,
      `${CLUSTER}?`,
      `https://evil.example`,
    ]) {
      const asked = defender.find({ kind: "assessment", resourceId, key: "k" });
      await expect(asked).rejects.toBeInstanceOf(Permanent);
    }
  });

  describe.each(FAULTS)("on $name", ({ answer, kind, retryAfterMs, says, requests: most = 1 }) => {
    it(`raises our ${kind} error after ${most} requests at most and no second token`, async () => {
      await defender.find(miner.reference);
      const [requests, tokens] = [arm.requests.length, arm.tokens];
      arm.faults.add({ match: { path: "alerts" }, answer, times: most });
      const raised = await defender.find(miner.reference).catch((error: unknown) => error);
      expect(raised).toBeInstanceOf(kind === "retryable" ? Retryable : Permanent);
      expect(String(raised)).toMatch(says);
      if (retryAfterMs !== undefined) expect(raised).toMatchObject({ retryAfterMs });
      expect([arm.requests.length - requests, arm.tokens - tokens]).toEqual([most, 0]);
    });
  });

  it("kept to Microsoft's contracts, and so did the stand-in's answers", () => {
    console.log(contracts === null ? "not checked" : `${arm.requests.length} exchanges checked`);
    expect(arm.breaches).toEqual([]);
  });
});
