import { describe, expect, it, onTestFinished } from "vitest";
import { startTeams } from "../../../local/teams/index.ts";

async function start() {
  const teams = await startTeams();
  onTestFinished(() => teams.stop());
  const send = (body: unknown, init: RequestInit = {}) =>
    fetch(teams.webhookUrl, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: typeof body === "string" ? body : JSON.stringify(body),
      ...init,
    });
  return { teams, send };
}

const text = { type: "TextBlock", text: "A pod was isolated.", wrap: true };

function card(parts: object = {}): Record<string, unknown> {
  return { type: "AdaptiveCard", version: "1.5", body: [text], ...parts };
}

function envelope(content: unknown, parts: object = {}): Record<string, unknown> {
  const attachment = { contentType: "application/vnd.microsoft.card.adaptive", contentUrl: null, content };
  return { type: "message", attachments: [{ ...attachment, ...parts }] };
}

const full = card({
  body: [
    text,
    { type: "FactSet", facts: [{ title: "Severity", value: "High" }] },
    { type: "Container", items: [text], style: "attention" },
    { type: "ColumnSet", columns: [{ type: "Column", width: "stretch", items: [text] }] },
    { type: "TextBlock", id: "more", text: "Details", isVisible: false },
    {
      type: "ActionSet",
      actions: [{ type: "Action.OpenUrl", title: "Record", url: "http://127.0.0.1:7071/x" }],
    },
  ],
  actions: [
    { type: "Action.OpenUrl", title: "Alert", url: "https://portal.azure.com/#alert" },
    { type: "Action.ToggleVisibility", title: "More", targetElements: ["more"] },
    { type: "Action.ShowCard", title: "Plan", card: { type: "AdaptiveCard", body: [text] } },
  ],
  msteams: { width: "Full" },
});

describe("the Teams stand-in", () => {
  it("takes a valid card with 202 and no body, and shows it", async () => {
    const { teams, send } = await start();
    const answer = await send(envelope(full));
    expect([answer.status, await answer.text()]).toEqual([202, ""]);
    expect(teams.messages).toMatchObject([{ card: full, bytes: JSON.stringify(envelope(full)).length }]);
    const shown: unknown = await (await fetch(`${teams.url}/_stand-in/messages`)).json();
    expect(shown).toMatchObject({ messages: [{ card: full }], refused: [] });
  });

  it.each<[string, unknown, string]>([
    ["text that is no JSON", "{", "no JSON"],
    ["a list", [], '"message"'],
    ["another type", { ...envelope(card()), type: "card" }, '"message"'],
    ["no attachment", { type: "message", attachments: [] }, "one attachment"],
    [
      "a classic card",
      envelope(card(), { contentType: "application/vnd.microsoft.teams.card.o365connector" }),
      "contentType",
    ],
    ["no contentUrl", envelope(card(), { contentUrl: undefined }), "contentUrl"],
    ["no card", envelope(undefined), "no object"],
    ["a card of another type", envelope(card({ type: "MessageCard" })), "AdaptiveCard"],
    ["a version that clients lack", envelope(card({ version: "1.6" })), "version"],
    ["no version", envelope(card({ version: undefined })), "version"],
    ["an empty body", envelope(card({ body: [] })), "body"],
    ["an unknown element", envelope(card({ body: [{ type: "Chart" }] })), "Chart"],
    [
      "an unknown element deep inside",
      envelope(card({ body: [{ type: "Container", items: [{ type: "Chart" }] }] })),
      "Chart",
    ],
    ["a bad value", envelope(card({ body: [{ ...text, size: "huge" }] })), "huge"],
    ["a missing property", envelope(card({ body: [{ type: "Image" }] })), 'Image needs the property "url"'],
    [
      "an empty text",
      envelope(card({ body: [{ ...text, text: "" }] })),
      'TextBlock needs the property "text"',
    ],
    [
      "an action that needs a bot",
      envelope(card({ actions: [{ type: "Action.Submit", title: "Approve" }] })),
      "needs a bot",
    ],
    [
      "such an action inside a shown card",
      envelope(
        card({
          actions: [
            {
              type: "Action.ShowCard",
              title: "x",
              card: card({ actions: [{ type: "Action.Execute", title: "y" }] }),
            },
          ],
        }),
      ),
      "Action.Execute needs a bot",
    ],
    [
      "a link without https",
      envelope(card({ actions: [{ type: "Action.OpenUrl", title: "x", url: "http://example.com/" }] })),
      "https",
    ],
    [
      "a link that only looks like loopback",
      envelope(
        card({
          body: [{ ...text, selectAction: { type: "Action.OpenUrl", url: "http://127.0.0.1.example.com/" } }],
        }),
      ),
      "https",
    ],
  ])("refuses %s with 400 and says why", async (_, body, reason) => {
    const { teams, send } = await start();
    const answer = await send(body);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toEqual({ error: expect.stringContaining(reason) });
    expect(teams.refused).toEqual([{ status: 400, reason: expect.stringContaining(reason) }]);
    expect(teams.messages).toEqual([]);
  });

  it("takes 28 KB of UTF-8 and refuses one byte more with 413", async () => {
    const { teams, send } = await start();
    const empty = Buffer.byteLength(JSON.stringify(envelope(card({ body: [{ ...text, text: "x" }] })))) - 1;
    const room = 28 * 1024 - empty;
    const sized = (bytes: number) =>
      envelope(
        card({ body: [{ ...text, text: "ä".repeat(Math.floor(bytes / 2)) + "x".repeat(bytes % 2) }] }),
      );
    expect((await send(sized(room))).status).toBe(202);
    expect((await send(sized(room + 1))).status).toBe(413);
    expect(teams.messages[0]?.bytes).toBe(28 * 1024);
    expect(teams.refused).toMatchObject([{ status: 413 }]);
  });

  it("knows its address: another signature is 401, another path 404, another method 405", async () => {
    const { teams } = await start();
    const post = (url: string) => fetch(url, { method: "POST", body: JSON.stringify(envelope(card())) });
    expect((await post(teams.webhookUrl.replace("sig=local", "sig=other"))).status).toBe(401);
    expect((await post(`${teams.url}/else`)).status).toBe(404);
    expect((await fetch(teams.webhookUrl)).status).toBe(405);
    expect(teams.messages).toEqual([]);
  });

  it("answers the faults it was told, in order, and then works again", async () => {
    const { teams, send } = await start();
    teams.inject({ kind: "status", status: 429, times: 2, retryAfterSeconds: 3 });
    teams.inject({ kind: "status", status: 500, times: 1 });
    teams.inject({ kind: "redirect", location: "http://127.0.0.1:1/", times: 1 });
    const answers = [];
    for (let sent = 0; sent < 5; sent += 1)
      answers.push(await send(envelope(card()), { redirect: "manual" }));
    expect(answers.map((answer) => answer.status)).toEqual([429, 429, 500, 302, 202]);
    expect(answers[0]?.headers.get("retry-after")).toBe("3");
    expect(answers[3]?.headers.get("location")).toBe("http://127.0.0.1:1/");
    expect([teams.requestCount, teams.messages.length, teams.refused.length]).toEqual([5, 1, 0]);
  });

  it("lets a request hang until its client gives up", async () => {
    const { teams, send } = await start();
    teams.inject({ kind: "hang", times: 1 });
    await expect(send(envelope(card()), { signal: AbortSignal.timeout(100) })).rejects.toThrow("timeout");
    expect((await send(envelope(card()))).status).toBe(202);
    expect(teams.requestCount).toBe(2);
  });
});
