import { expect, it, onTestFinished } from "vitest";
import { startFunctionsHost } from "../../../local/functions-host/index.ts";
import { buildTestApp, eventually, seenByApp } from "./test-app.ts";

const keys = { host: "h", master: "m" };

async function start(source: string, timers: boolean, settings: Record<string, string> = {}) {
  const host = await startFunctionsHost({ ...(await buildTestApp(source)), keys, timers, settings });
  onTestFinished(async () => {
    await host.stop();
  });
  return host;
}

it("fires a timer by its schedule, with the schedule taken from an app setting", async () => {
  const seen = seenByApp();
  await start(
    `app.timer("sweep", { schedule: "%SWEEP%", handler: (timer) => { seen.push(timer); } });`,
    true,
    { SWEEP: "* * * * * *" },
  );
  await eventually(() => expect(seen.length).toBeGreaterThanOrEqual(2));
  // Faster than a minute: the host keeps no status for it.
  expect(seen[0]).toEqual({ schedule: { adjustForDST: true }, scheduleStatus: null, isPastDue: false });
});

it("fires a timer now on request, and tells when the function failed", async () => {
  const seen = seenByApp();
  const host = await start(
    `app.timer("sweep", { schedule: "0 0 0 1 1 *", handler: (timer) => { seen.push(timer); } });
     app.timer("broken", { schedule: "0 0 0 1 1 *", handler: () => { throw new Error("no table"); } });`,
    true,
  );
  await host.tick("sweep");
  expect(seen).toMatchObject([{ scheduleStatus: { next: expect.stringContaining("-01-01T00:00:00.000Z") } }]);
  const tick = (name: string, method = "POST") => fetch(`${host.url}/_host/tick/${name}`, { method });
  expect((await tick("sweep")).status).toBe(200);
  expect(seen).toHaveLength(2);
  const failed = await tick("broken");
  expect([failed.status, await failed.json()]).toEqual([500, { fired: "broken", error: "no table" }]);
  expect((await tick("nobody")).status).toBe(404);
  expect((await tick("sweep", "GET")).status).toBe(404);
  await expect(host.tick("broken")).rejects.toThrow("no table");
});

it("leaves the timers alone when told so, and runs one on start when the function asks for it", async () => {
  const seen = seenByApp();
  const source = `app.timer("t", { schedule: "0 0 0 1 1 *", runOnStartup: true, handler: () => { seen.push("run"); } });`;
  await start(source, false);
  expect(seen).toEqual([]);
  await start(source, true);
  await eventually(() => expect(seen).toEqual(["run"]));
});

it("repeats a failing timer function by its retry policy", async () => {
  const seen = seenByApp();
  const host = await start(
    `app.timer("t", { schedule: "0 0 0 1 1 *", retry: { strategy: "fixedDelay", delayInterval: 0, maxRetryCount: 2 },
       handler: (timer, context) => { seen.push(context.retryContext?.retryCount ?? 0); if (seen.length < 3) throw new Error("not yet"); } });`,
    false,
  );
  await host.tick("t");
  expect(seen).toEqual([0, 1, 2]);
});

it("refuses to start with a schedule that is none", async () => {
  await expect(
    start(`app.timer("t", { schedule: "*/30 * * *", handler: () => {} });`, false),
  ).rejects.toThrow("six");
  await expect(start(`app.timer("t", { schedule: "%NONE%", handler: () => {} });`, false)).rejects.toThrow(
    '"NONE" is missing',
  );
});
