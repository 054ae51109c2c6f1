import { createServer } from "node:http";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTeams, type TeamsStandIn } from "../../../local/teams/index.ts";
import { createTeamsChannel } from "../../../src/clients/teams/teams-channel.ts";
import { Permanent, Retryable } from "../../../src/model/errors.ts";
import { composeCard } from "../../../src/notify/compose-card.ts";
import { messageOf } from "../../notify/messages.ts";

const CARD = composeCard([messageOf("in-force")], { console: "https://reflex.example.com/" });

let teams: TeamsStandIn;
beforeAll(async () => {
  teams = await startTeams();
});
afterAll(() => teams.stop());

/** What a promise fails with. */
function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => "no failure",
    (error: unknown) => error,
  );
}

function channel(timeoutMs?: number) {
  return createTeamsChannel({ url: teams.webhookUrl, allowLoopback: true, timeoutMs });
}

describe("the channel to a Teams workflow", () => {
  it("posts a card that the workflow takes", async () => {
    await channel().post(CARD);

    expect(teams.messages.at(-1)?.card).toEqual(CARD.attachments[0].content);
    expect(teams.refused).toEqual([]);
  });

  it("waits as long as it is told when it is throttled", async () => {
    teams.inject({ kind: "status", status: 429, retryAfterSeconds: 17, times: 1 });
    const error = await failure(channel().post(CARD));

    expect(error).toBeInstanceOf(Retryable);
    expect(error).toMatchObject({ retryAfterMs: 17_000, message: expect.stringContaining(" answered 429") });
  });

  it.each([500, 502, 503, 408])("tries again later after a %i", async (status) => {
    teams.inject({ kind: "status", status, times: 1 });

    expect(await failure(channel().post(CARD))).toMatchObject({ kind: "retryable", retryAfterMs: 30_000 });
  });

  it.each([400, 401, 403, 404, 413])("gives up after a %i", async (status) => {
    teams.inject({ kind: "status", status, times: 1 });

    expect(await failure(channel().post(CARD))).toBeInstanceOf(Permanent);
  });

  it("follows no redirect", async () => {
    const before = teams.messages.length;
    teams.inject({ kind: "redirect", location: teams.webhookUrl, times: 1 });
    const error = await failure(channel().post(CARD));

    expect(error).toBeInstanceOf(Permanent);
    expect(error).toMatchObject({ message: expect.stringContaining(" answered 302") });
    expect(teams.messages).toHaveLength(before);
  });

  it("does not wait for ever", async () => {
    teams.inject({ kind: "hang", times: 1 });

    expect(await failure(channel(100).post(CARD))).toMatchObject({
      kind: "retryable",
      message: expect.stringContaining("TimeoutError"),
    });
  });

  it("tries again later where nobody listens", async () => {
    const gone = await startTeams();
    await gone.stop();
    const lost = createTeamsChannel({ url: gone.webhookUrl, allowLoopback: true });

    expect(await failure(lost.post(CARD))).toMatchObject({
      kind: "retryable",
      message: expect.stringContaining("ECONNREFUSED"),
    });
  });

  it("names the workflow's error, and reads no more of the answer than it needs", async () => {
    let leave = () => {};
    const left = new Promise<void>((resolve) => {
      leave = resolve;
    });
    const server = createServer((_request, response) => {
      response.writeHead(400, { "content-type": "application/json" });
      response.write('{"error":{"code":"WorkflowTriggerIsNotEnabled","message":"see https://x?sig=secret"}}');
      // Never ends: who read it all would wait until the time is up.
      const flood = setInterval(() => response.write(" ".repeat(2048)), 5);
      response.on("close", () => {
        clearInterval(flood);
        leave();
      });
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    const url = `http://127.0.0.1:${port}/?sig=secret`;
    const error = await failure(
      createTeamsChannel({ url, allowLoopback: true, timeoutMs: 60_000 }).post(CARD),
    );
    await left;
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));

    expect(error).toBeInstanceOf(Permanent);
    expect(error).toMatchObject({
      message: `The Teams webhook at 127.0.0.1:${port} answered 400 (WorkflowTriggerIsNotEnabled).`,
    });
    expect(inspect(error)).not.toContain("secret");
  });

  it("never shows the address, whatever goes wrong", async () => {
    const url = "https://prod-1.westeurope.logic.azure.com:443/workflows/w1?sig=secret";
    const leaky = () => Promise.reject(new Error(`nobody answers for ${url}`));
    const error = await failure(createTeamsChannel({ url, resolve: leaky }).post(CARD));

    expect(error).toBeInstanceOf(Retryable);
    expect(inspect(error, { depth: 9 })).toContain("prod-1.westeurope.logic.azure.com");
    expect(inspect(error, { depth: 9 })).not.toMatch(/secret|workflows/);
  });
});
