import { createHttpHeaders } from "@azure/core-rest-pipeline";
import { RestError } from "@azure/data-tables";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Azurite, startAzurite } from "../../local/azurite/index.ts";
import { openTable, type TableTransport } from "../../src/store/open-table.ts";
import { RowConflict, StoreUnreachable, type Table } from "../../src/store/table.ts";
import { statusOf, storeContract } from "./store-contract.ts";

type Policy = NonNullable<TableTransport["additionalPolicies"]>[number]["policy"];
type Next = Parameters<Policy["sendRequest"]>[1];
type Request = Parameters<Next>[0];
type Response = Awaited<ReturnType<Next>>;

const NAME = "contract";
let azurite: Azurite | undefined;
let table: Table | undefined;

beforeAll(async () => {
  azurite = await startAzurite();
  table = opened();
  await table.prepare();
});

afterAll(async () => {
  await azurite?.stop();
});

function connectionString(): string {
  if (azurite === undefined) {
    throw new Error("Azurite has not started.");
  }
  return azurite.connectionString;
}

/** A table whose every try goes through `send`, below the client's own repeats. */
function opened(send?: (request: Request, next: Next) => Promise<Response>, name = NAME): Table {
  const policy: Policy | null = send === undefined ? null : { name: "injected", sendRequest: send };
  const additionalPolicies = policy === null ? [] : [{ policy, position: "perRetry" as const }];
  return openTable({ connectionString: connectionString() }, name, { additionalPolicies });
}

storeContract("The Azure table", () => {
  if (table === undefined) {
    throw new Error("The table has not been opened.");
  }
  return table;
});

/** Loses the first `count` answers: the request arrives, the connection breaks before it is answered. */
function losing(count: number): { table: Table; tries: () => number } {
  let tries = 0;
  const lossy = opened(async (request, next) => {
    tries += 1;
    const response = await next(request);
    if (tries > count) {
      return response;
    }
    throw new RestError("read ECONNRESET", { code: "ECONNRESET", request });
  });
  return { table: lossy, tries: () => tries };
}

/** Answers the first `count` tries with `status`, without asking the service. */
function answering(count: number, status: number): { table: Table; tries: () => number } {
  let tries = 0;
  const busy = opened(async (request, next) => {
    tries += 1;
    const headers = createHttpHeaders({ "retry-after-ms": "1" });
    return tries > count ? next(request) : { request, status, headers, bodyAsText: "" };
  });
  return { table: busy, tries: () => tries };
}

describe("The Azure table on a bad network", () => {
  it("tells a conflict where the answer to its own insert was lost and the client repeated it", async () => {
    const lost = losing(1);
    const insert = lost.table.transact("lost", [{ do: "insert", key: "row", cells: { by: "me" } }]);
    expect(await statusOf(insert)).toBe(409);
    expect(lost.tries()).toBe(2);
    expect((await opened().get("lost", "row"))?.cells).toEqual({ by: "me" });
  });

  it("tells a conflict where the answer to its own replace was lost and the client repeated it", async () => {
    const etags = await opened().transact("lost", [{ do: "insert", key: "lock", cells: { token: "" } }]);
    const replace = losing(1).table.transact("lost", [
      { do: "replace", key: "lock", etag: etags.get("lock") ?? "", cells: { token: "mine" } },
    ]);
    expect(await statusOf(replace)).toBe(412);
    expect((await opened().get("lost", "lock"))?.cells).toEqual({ token: "mine" });
  });

  it("is unreachable where every answer was lost, though the row was written", async () => {
    const insert = losing(99).table.transact("lost", [{ do: "insert", key: "silent", cells: {} }]);
    await expect(insert).rejects.toThrow(StoreUnreachable);
    expect(await opened().get("lost", "silent")).not.toBeNull();
  });

  it("repeats a read whose answer was lost", async () => {
    await opened().transact("lost", [{ do: "upsert", key: "read", cells: { n: 1 } }]);
    expect((await losing(1).table.get("lost", "read"))?.cells).toEqual({ n: 1 });
  });

  it.each([429, 500, 503])("repeats what was answered with %d", async (status) => {
    const busy = answering(1, status);
    const etags = await busy.table.transact("busy", [{ do: "upsert", key: "row", cells: { status } }]);
    expect(busy.tries()).toBe(2);
    expect(await opened().get("busy", "row")).toMatchObject({ etag: etags.get("row"), cells: { status } });
  });

  it.each([429, 503])("is unreachable where every try is answered with %d", async (status) => {
    const busy = answering(99, status);
    await expect(busy.table.get("busy", "row")).rejects.toThrow(StoreUnreachable);
    await expect(busy.table.range("busy", { from: "", to: "z" }, 1)).rejects.toThrow(StoreUnreachable);
    await expect(busy.table.transact("busy", [{ do: "insert", key: "never", cells: {} }])).rejects.toThrow(
      StoreUnreachable,
    );
    expect(await opened().get("busy", "never")).toBeNull();
  });

  it.each([400, 403])("hands on what was answered with %d, once", async (status) => {
    const refusing = answering(99, status);
    await expect(refusing.table.get("busy", "row")).rejects.toMatchObject({
      name: "RestError",
      statusCode: status,
    });
    const insert = refusing.table.transact("busy", [{ do: "insert", key: "never", cells: {} }]);
    await expect(insert).rejects.toMatchObject({ name: "RestError", statusCode: status });
    expect(refusing.tries()).toBe(2);
  });

  it("is unreachable where an answer to a transaction cannot be read", async () => {
    const garbled = opened(async (request, next) => ({ ...(await next(request)), bodyAsText: "<html>" }));
    const insert = garbled.transact("lost", [{ do: "insert", key: "garbled", cells: {} }]);
    await expect(insert).rejects.toThrow(StoreUnreachable);
  });

  it("is unreachable where nobody listens", async () => {
    const nobody = openTable({ connectionString: connectionString().replace(/:\d+\//g, ":1/") }, NAME);
    await expect(nobody.get("p", "k")).rejects.toThrow(StoreUnreachable);
  });

  it("gives every request an end", async () => {
    const signals: unknown[] = [];
    const watched = opened(async (request, next) => {
      signals.push(request.abortSignal);
      return next(request);
    });
    await watched.prepare();
    await watched.transact("busy", [{ do: "upsert", key: "end", cells: {} }]);
    await watched.get("busy", "end");
    await watched.range("busy", { from: "", to: "z" }, 1);
    expect(signals).toHaveLength(4);
    expect(signals.every((signal) => signal instanceof AbortSignal)).toBe(true);
  });
});

describe("The Azure table and its service", () => {
  it("can be prepared when it is there", async () => {
    await expect(opened().prepare()).resolves.toBeUndefined();
  });

  it("names the type of numbers, since the cloud takes a bare one over 32 bits for a mistake", async () => {
    const bodies: string[] = [];
    const watched = opened(async (request, next) => {
      bodies.push(String(request.body));
      return next(request);
    });
    await watched.transact("types", [{ do: "upsert", key: "row", cells: { at: 1_772_438_400_000, n: 1 } }]);
    expect(bodies.join("")).toContain('"at":1772438400000,"at@odata.type":"Edm.Double"');
    expect(bodies.join("")).toContain('"n":1,"n@odata.type":"Edm.Double"');
  });

  it("does not take a missing table for a missing row", async () => {
    const missing = opened(undefined, "nowhere");
    await expect(missing.get("p", "k")).rejects.toMatchObject({ name: "RestError", statusCode: 404 });
    const replace = missing.transact("p", [{ do: "replace", key: "k", etag: "*", cells: {} }]);
    await expect(replace).rejects.toMatchObject({ name: "RestError", statusCode: 404 });
    await expect(replace).rejects.not.toBeInstanceOf(RowConflict);
  });

  it("follows empty pages that go on, and cuts a page where the service did", async () => {
    await opened().transact(
      "short",
      ["a", "b", "c"].map((key) => ({ do: "insert", key, cells: {} })),
    );
    let pages = 0;
    const slow = opened(async (request, next) => {
      pages += 1;
      const response = await next(request);
      if (pages > 1) {
        return response;
      }
      // As the emulator writes its tokens.
      response.headers.set("x-ms-continuation-NextPartitionKey", btoa("short"));
      response.headers.set("x-ms-continuation-NextRowKey", btoa("a"));
      return { ...response, bodyAsText: JSON.stringify({ value: [] }) };
    });
    const first = await slow.range("short", { from: "a", to: "z" }, 2);
    expect(pages).toBe(2);
    expect(first.rows.map(({ key }) => key)).toEqual(["a", "b"]);
    const second = await slow.range("short", { from: first.next ?? "", to: "z" }, 2);
    expect(second.rows.map(({ key }) => key)).toEqual(["c"]);
    expect(second.next).toBeUndefined();
  });

  it("refuses plain HTTP to another machine", async () => {
    const token = { getToken: async () => ({ token: "t", expiresOnTimestamp: 1 }) };
    const far = openTable({ endpoint: "http://tables.example", credential: token }, NAME);
    await expect(far.get("p", "k")).rejects.toThrow(/https/i);
    const keyed = openTable(
      { connectionString: connectionString().replaceAll("127.0.0.1", "tables.example") },
      NAME,
    );
    await expect(keyed.get("p", "k")).rejects.toThrow(/insecure/i);
  });

  it("signs in with a token where it is given an identity", async () => {
    const seen: (string | undefined)[] = [];
    const policy: Policy = {
      name: "answers",
      sendRequest: async (request) => {
        seen.push(request.headers.get("authorization"), request.url);
        return { request, status: 204, headers: createHttpHeaders(), bodyAsText: "" };
      },
    };
    const credential = {
      getToken: async () => ({ token: "secret", expiresOnTimestamp: Number.MAX_SAFE_INTEGER }),
    };
    const endpoint = "https://account.table.core.windows.net";
    const cloud = openTable({ endpoint, credential }, NAME, {
      additionalPolicies: [{ policy, position: "perRetry" }],
    });
    await cloud.prepare();
    expect(seen).toEqual(["Bearer secret", `${endpoint}/Tables`]);
  });
});
