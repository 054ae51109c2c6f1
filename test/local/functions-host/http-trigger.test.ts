import { expect, it, onTestFinished } from "vitest";
import { type HostLog, startFunctionsHost } from "../../../local/functions-host/index.ts";
import { buildTestApp } from "./test-app.ts";

const keys = { host: "host-key", master: "master-key", functions: { run: "run-key" } };

const app = `
app.http("status", { methods: ["GET"], authLevel: "anonymous", route: "remediations/{id?}",
  handler: (request) => ({ jsonBody: { params: request.params, query: request.query.get("state"), url: request.url } }) });
app.http("open", { methods: ["GET"], authLevel: "anonymous", route: "remediations/open", handler: () => ({ body: "open" }) });
app.http("run", { methods: ["POST"], authLevel: "function", route: "runs/{playbook}",
  handler: async (request) => ({ status: 202, headers: { "x-from": "app" }, jsonBody: { playbook: request.params.playbook, body: await request.json() } }) });
app.http("admin", { methods: ["POST"], authLevel: "admin", handler: () => ({ body: "admin" }) });
app.http("broken", { methods: ["GET"], authLevel: "anonymous", handler: () => { throw new Error("broken\\non purpose"); } });
app.http("silent", { methods: ["GET"], authLevel: "anonymous", handler: () => undefined });
app.http("cookie", { methods: ["GET"], authLevel: "anonymous",
  handler: () => ({ body: "c", cookies: [{ name: "csrf", value: "a b", httpOnly: true, sameSite: "Strict", path: "/" }] }) });
app.http("files", { methods: ["GET"], authLevel: "anonymous", route: "console/{*path}", handler: (request) => ({ body: request.params.path ?? "index" }) });
`;

async function start(hostJson: object = {}) {
  const logs: HostLog[] = [];
  const built = await buildTestApp(app, hostJson);
  const host = await startFunctionsHost({ ...built, keys, onLog: (log) => logs.push(log) });
  onTestFinished(async () => {
    await host.stop();
  });
  return { host, logs, get: (path: string, init?: RequestInit) => fetch(`${host.url}${path}`, init) };
}

it("matches routes with parameters, optional ones absent or given, and prefers a literal", async () => {
  const { get } = await start();
  expect(await (await get("/api/remediations?state=open")).json()).toMatchObject({
    params: {},
    query: "open",
  });
  const one = await (await get("/api/Remediations/a%2Fb%20c")).json();
  expect(one).toMatchObject({ params: { id: "a%2Fb c" } });
  expect(await (await get("/api/remediations/open")).text()).toBe("open");
  expect(await (await get("/api/console")).text()).toBe("index");
  expect(await (await get("/api/console/css/site.css")).text()).toBe("css/site.css");
});

it("answers 404 for an unknown route, a path too long and a method that is not listed, 400 for bad escapes", async () => {
  const { get } = await start();
  expect((await get("/api/nothing")).status).toBe(404);
  expect((await get("/remediations")).status).toBe(404);
  expect((await get("/api/remediations/1/2")).status).toBe(404);
  expect((await get("/api/remediations", { method: "DELETE" })).status).toBe(404);
  expect((await get("/api/remediations/%E0%A4")).status).toBe(400);
});

it("opens a function of level function only with its key, the host key or the master key", async () => {
  const { get } = await start();
  const run = (query: string, headers: Record<string, string> = {}) =>
    get(`/api/runs/notify${query}`, { method: "POST", headers, body: `{"target":"pod"}` });
  const statuses = async (...answers: Promise<Response>[]) =>
    (await Promise.all(answers)).map((answer) => answer.status);
  expect(await statuses(run(""), run("?code=wrong"), run("?code="))).toEqual([401, 401, 401]);
  expect(await statuses(run("?code=run-key"), run("?code=host-key"))).toEqual([202, 202]);
  expect(await statuses(run("", { "x-functions-key": "master-key" }))).toEqual([202]);
  expect(await statuses(run("?code=host-key", { "x-functions-key": "wrong" }))).toEqual([401]);
  const answer = await run("?code=run-key");
  expect(answer.headers.get("x-from")).toBe("app");
  expect(await answer.json()).toEqual({ playbook: "notify", body: { target: "pod" } });
});

it("opens a function of level admin with the master key alone", async () => {
  const { get } = await start();
  expect((await get("/api/admin?code=host-key", { method: "POST" })).status).toBe(401);
  expect((await get("/api/admin?code=master-key", { method: "POST" })).status).toBe(200);
});

it("answers 500 without a body when a function throws, and logs the error", async () => {
  const { get, logs } = await start();
  const answer = await get("/api/broken");
  expect([answer.status, await answer.text()]).toEqual([500, ""]);
  expect(logs.filter((log) => log.level === "error").map((log) => log.message)).toEqual([
    "broken failed: broken\non purpose",
  ]);
});

it("answers 204 for a function that returns nothing, and sends cookies", async () => {
  const { get } = await start();
  expect((await get("/api/silent")).status).toBe(204);
  expect((await get("/api/cookie")).headers.get("set-cookie")).toBe(
    "csrf=a%20b; Path=/; HttpOnly; SameSite=Strict",
  );
});

it("takes the route prefix from host.json, also an empty one", async () => {
  const { get } = await start({ extensions: { http: { routePrefix: "" } } });
  expect((await get("/silent")).status).toBe(204);
  expect((await get("/api/silent")).status).toBe(404);
});

it("refuses an app with a trigger, a binding or a route that it cannot serve", async () => {
  const refuse = async (source: string) => {
    const built = await buildTestApp(source);
    return startFunctionsHost({ ...built, keys });
  };
  await expect(
    refuse(`app.storageQueue("work", { queueName: "q", connection: "C", handler: () => {} });`),
  ).rejects.toThrow('"work": this host has no trigger of type "queueTrigger"');
  await expect(refuse(`app.http("typed", { route: "items/{id:int}", handler: () => {} });`)).rejects.toThrow(
    "is not possible here",
  );
  await expect(refuse("")).rejects.toThrow("registered no function");
});

it("runs one function on a caller's word and answers what it returned", async () => {
  const { host } = await start();
  const input = { data: { http: { method: "GET", url: "http://127.0.0.1/api/remediations/open" } } };
  const answer = await host.invoke("open", input);
  expect(String(Buffer.from(answer.returnValue?.http?.body?.bytes ?? []))).toBe("open");
  await expect(host.invoke("broken", input)).rejects.toThrow("broken");
  await expect(host.invoke("nobody", input)).rejects.toThrow("there are status, open");
});

it("gives no answer to new requests once it has stopped", async () => {
  const { host, get } = await start();
  expect(await host.stop()).toBe(true);
  await expect(get("/api/silent")).rejects.toThrow("fetch failed");
});
