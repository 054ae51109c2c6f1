import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ArmStandIn, startArm } from "../../../local/arm/index.ts";
import { withTimes } from "../../../local/start/samples.ts";
import { createArm, openArmAccess } from "../../../src/clients/arm/index.ts";
import { createAzureFacts } from "../../../src/clients/azure-facts.ts";
import { createDefender } from "../../../src/clients/defender/index.ts";
import { managedIdentity } from "../../../src/clients/managed-identity.ts";
import { namedBy, summarize } from "../../../src/engine/signal-identity.ts";
import { decodeEvent } from "../../../src/signals/index.ts";
import { armBench, contracts } from "../../clients/arm/arm-bench.ts";

const SAMPLES = new URL("../../../local/samples/events/", import.meta.url);
const NOW = new Date("2026-03-02T08:00:00.000Z");
const SUBSCRIPTION = "3f0c9c1e-52a7-4d6b-8e14-0b7a5d9c2e61";
const TAGS = `/subscriptions/${SUBSCRIPTION}/providers/Microsoft.Resources/tags/default`;

let arm: ArmStandIn;
let token: string;

beforeAll(async () => {
  arm = await startArm({ contracts });
  const { IDENTITY_ENDPOINT = "", IDENTITY_HEADER = "" } = arm.settings;
  const answer = await fetch(`${IDENTITY_ENDPOINT}?resource=https://management.azure.com/`, {
    headers: { "x-identity-header": IDENTITY_HEADER },
  });
  ({ access_token: token } = (await answer.json()) as { access_token: string });
});
afterAll(() => arm.stop());

function ask(path: string, more: RequestInit = {}): Promise<Response> {
  return fetch(arm.url + path, { headers: { authorization: `Bearer ${token}` }, ...more });
}

async function codeOf(response: Response): Promise<string> {
  const { error } = (await response.json()) as { error: { code: string } };
  return error.code;
}

describe("the stand-in of Resource Manager", () => {
  it("answers nobody without its token", async () => {
    arm.documents.setTags(`/subscriptions/${SUBSCRIPTION}`, {});
    const path = `${TAGS}?api-version=2023-07-01`;
    expect((await ask(path)).status).toBe(200);
    expect((await fetch(arm.url + path)).status).toBe(401);
    expect((await ask(path, { headers: { authorization: "Bearer other" } })).status).toBe(401);
  });

  it("gives tokens only to who knows the identity's header, and only for itself", async () => {
    const { IDENTITY_ENDPOINT = "", IDENTITY_HEADER = "" } = arm.settings;
    const headers = { "x-identity-header": IDENTITY_HEADER };
    const resource = "?resource=https://management.azure.com";
    expect((await fetch(IDENTITY_ENDPOINT + resource)).status).toBe(401);
    expect((await fetch(`${IDENTITY_ENDPOINT}?resource=https://vault.azure.net`, { headers })).status).toBe(
      400,
    );
    expect((await fetch(IDENTITY_ENDPOINT + resource, { headers })).status).toBe(200);
  });

  it("wants a version that it knows, and a path and method that it serves", async () => {
    expect(await codeOf(await ask(TAGS))).toBe("MissingApiVersionParameter");
    expect(await codeOf(await ask(`${TAGS}?api-version=2000-01-01`))).toBe("InvalidApiVersionParameter");
    expect(await codeOf(await ask("/subscriptions?api-version=2023-07-01"))).toBe("InvalidResourceType");
    const deleted = await ask(`${TAGS}?api-version=2023-07-01`, {
      method: "DELETE",
      headers: { authorization: `Bearer ${token}` },
    });
    expect(deleted.status).toBe(405);
  });

  it("gives a real managed identity its token", async () => {
    const before = { ...process.env };
    Object.assign(process.env, arm.settings);
    try {
      const access = openArmAccess({
        credential: managedIdentity(undefined),
        endpoint: arm.url,
        allowLoopback: true,
      });
      expect(await createArm(access).get(TAGS, "2023-07-01")).toMatchObject({ name: "default" });
    } finally {
      process.env = before;
    }
  });

  it("shows every alert, recommendation and finding of the samples just as it was exported", async () => {
    const made = await armBench();
    const defender = createDefender(made.access);
    let compared = 0;
    for (const name of readdirSync(SAMPLES).filter((one) => /^\d+-[^.]*\.json$/.test(one))) {
      const body = withTimes(readFileSync(new URL(name, SAMPLES), "utf8"), NOW);
      // The same alert again, and its resolution, would be compared with each other.
      for (const id of made.arm.documents.ids()) made.arm.documents.forget(id);
      made.arm.documents.learn(body);
      for (const decoded of decodeEvent(body)) {
        if (!("signal" in decoded)) continue;
        const summary = summarize(decoded.signal);
        const { reference } = summary;
        // Rows of Log Analytics are copies: the stand-in does not learn from them.
        if (reference === null || name.startsWith("04")) continue;
        const found = await defender.find(reference);
        const [known] = decodeEvent(found?.body);
        expect(found, name).toMatchObject({ key: summary.key, severity: summary.severity });
        expect(known !== undefined && "signal" in known && namedBy(known.signal), name).toEqual(
          summary.named,
        );
        expect(found?.at, name).toBe(summary.at);
        compared += 1;
      }
    }
    await made.arm.stop();
    expect(compared).toBeGreaterThan(25);
    expect(made.arm.breaches).toEqual([]);
  });

  it("would be found to break a contract, if it did", async () => {
    if (contracts === null) {
      console.log("Not checked: the official contracts are not there.");
      expect(contracts).toBeNull();
      return;
    }
    const path = `/subscriptions/${SUBSCRIPTION}/providers/Microsoft.Security/locations/westeurope/alerts/a`;
    const get = { method: "GET", path, apiVersion: "2022-01-01", body: undefined };
    const good = {
      id: path,
      name: "a",
      type: "t",
      properties: { status: "Active", endTimeUtc: "2026-03-02T08:00:00Z" },
    };
    const broken = (body: unknown) => contracts?.breaches(get, { status: 200, body });
    expect(broken(good)).toEqual([]);
    expect(broken({ ...good, properties: { ...good.properties, endTimeUtc: "yesterday" } })).toHaveLength(1);
    expect(broken({ ...good, properties: { ...good.properties, severity: 3 } })).toHaveLength(1);
    expect(broken({ ...good, properties: { resourceIdentifiers: [{}] } })).toHaveLength(1);
    expect(
      contracts.breaches({ ...get, apiVersion: "2019-01-01" }, { status: 200, body: good }),
    ).toHaveLength(1);
    expect(contracts.breaches({ ...get, path: "/nowhere" }, { status: 200, body: good })).toHaveLength(1);
    const graph = {
      method: "POST",
      path: "/providers/Microsoft.ResourceGraph/resources",
      apiVersion: "2022-10-01",
    };
    const rows = { totalRecords: 0, count: 0, resultTruncated: "false", data: [] };
    expect(contracts.breaches({ ...graph, body: { query: "x" } }, { status: 200, body: rows })).toEqual([]);
    expect(contracts.breaches({ ...graph, body: { query: 1 } }, { status: 200, body: rows })).toHaveLength(1);
    expect(contracts.breaches({ ...graph, body: { query: "x" } }, { status: 200, body: {} })).not.toEqual([]);
  });
});

describe("what the scope asks of Azure", () => {
  const CLUSTER = `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg-shop/providers/Microsoft.ContainerService/managedClusters/aks-shop`;

  it("is the tags of the resource, and of what is around it those that it has not", async () => {
    const made = await armBench();
    const facts = createAzureFacts(createArm(made.access), { now: () => NOW });
    expect(await facts.tags(CLUSTER)).toBeNull();
    made.arm.documents.setTags(CLUSTER, { Team: "shop" });
    expect(await facts.tags(CLUSTER)).toEqual({ Team: "shop" });
    made.arm.documents.setTags(`/subscriptions/${SUBSCRIPTION}/resourceGroups/rg-shop`, {
      team: "group",
      env: "prod",
    });
    made.arm.documents.setTags(`/subscriptions/${SUBSCRIPTION}`, { ENV: "subscription", cost: "7" });
    expect(await facts.tags(CLUSTER)).toEqual({ Team: "shop", env: "prod", cost: "7" });
    made.arm.documents.setTags(CLUSTER, { Team: "other" });
    expect(await facts.tags(CLUSTER)).toMatchObject({ Team: "other" });
    expect(await facts.tags(`/subscriptions/${SUBSCRIPTION}`)).toEqual({ ENV: "subscription", cost: "7" });
    await made.arm.stop();
    expect(made.arm.breaches).toEqual([]);
  });

  it("is the management groups above a subscription, nearest first, known for a minute", async () => {
    const made = await armBench();
    let now = NOW.getTime();
    const facts = createAzureFacts(createArm(made.access), { now: () => new Date(now) });
    made.arm.documents.setManagementGroups(SUBSCRIPTION, ["Corp", "root"]);
    expect(await facts.managementGroups(SUBSCRIPTION.toUpperCase())).toEqual(["corp", "root"]);
    made.arm.documents.setManagementGroups(SUBSCRIPTION, ["moved"]);
    now += 59_999;
    expect(await facts.managementGroups(SUBSCRIPTION)).toEqual(["corp", "root"]);
    now += 1;
    expect(await facts.managementGroups(SUBSCRIPTION)).toEqual(["moved"]);
    expect(made.arm.requests).toHaveLength(2);
    await made.arm.stop();
    expect(made.arm.breaches).toEqual([]);
  });

  it("is an error where nothing is shown, so that a deny list does not fail open", async () => {
    const made = await armBench();
    const facts = createAzureFacts(createArm(made.access), { now: () => NOW });
    await expect(facts.managementGroups(SUBSCRIPTION)).rejects.toThrow(/does not show/);
    const forged = "0' or '1'=='1";
    await expect(facts.managementGroups(forged)).rejects.toThrow(/is none/);
    expect(made.arm.requests).toHaveLength(1);
    made.arm.faults.add({ answer: { kind: "status", status: 200, body: { data: "x" } } });
    await expect(facts.managementGroups(SUBSCRIPTION)).rejects.toThrow(/not what it should be/);
    made.arm.faults.add({ answer: { kind: "status", status: 200, body: { properties: { tags: 3 } } } });
    await expect(facts.tags(`/subscriptions/${SUBSCRIPTION}`)).rejects.toThrow(/not what it should be/);
    await made.arm.stop();
  });
});
