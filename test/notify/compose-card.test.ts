import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { composeCard } from "../../src/notify/compose-card.ts";
import { KIND_WORDS } from "../../src/notify/kind-words.ts";
import { cardFaults, cardLines, cardParts } from "./card-reader.ts";
import { hostileMessage, longestDigest } from "./hostile-messages.ts";
import { bareMessage, ID, messageOf } from "./messages.ts";

const LINKS = { console: "https://reflex.example.com/" };
const sizeOf = (card: object) => Buffer.byteLength(JSON.stringify(card), "utf8");

describe("a card about one message", () => {
  it("tells what happened, why, what remains, and how to take it back", () => {
    const remains = ["Connections that are open already stay open."];
    const card = composeCard([messageOf("in-force", { proof: "partial", remains })], LINKS);

    expect(cardLines(card)).toEqual([
      "Containment in force",
      "High: Possible crypto coin miner detected",
      "isolate-pod for pod shop/web-1 on prod-aks is in force. It covers only a part.",
      "Why: The rule enforces and Defender confirmed the alert.",
      "Remains: Connections that are open already stay open.",
      "Target: pod shop/web-1 on prod-aks",
      "State: in-force, partial",
      "Ends: 2026-03-01 16:29 UTC, by itself",
      "Rule: crypto-mining",
      "Mode: enforce",
      "Type: K8S.NODE_CryptoCoinMinerExecution",
      "Alert: 2517538088322968242_9e5d",
      "First activity: 2026-03-01 12:28 UTC",
      "Resource: /subscriptions/5ab1/resourceGroups/shop/providers/Microsoft.ContainerService/managedClusters/prod-aks",
      "Told at: 2026-03-01 12:30 UTC",
      `Take it back: reflex revert ${ID} --reason TEXT`,
      `See plan and history: reflex show ${ID}`,
      `${ID}, message 2`,
    ]);
  });

  it("tells of a message without a record in its own words", () => {
    const card = composeCard([bareMessage("silence", "No event has arrived for 6 hours.")], LINKS);

    expect(cardLines(card)).toEqual([
      "No events from Defender",
      "No event has arrived for 6 hours.",
      "Told at: 2026-03-01 12:30 UTC",
      "control, message 7",
    ]);
  });

  it("offers the console over https only", () => {
    const opened = (address: string) =>
      cardParts(composeCard([messageOf("notice")], { console: address })).flatMap(({ url }) => url ?? []);

    expect(opened("https://reflex.example.com/c")).toEqual(["https://reflex.example.com/c"]);
    expect(opened("http://reflex.example.com/c")).toEqual([]);
    expect(opened("javascript:alert(1)")).toEqual([]);
    expect(opened("https://user:secret@reflex.example.com/")).toEqual([]);
    expect(opened("not an address")).toEqual([]);
  });

  it("shows hostile text as it is, in runs that no client reads as Markdown", () => {
    const title = "[a](https://evil.example) **b** _c_ <at>all</at> {{DATE(2026-01-01T00:00:00Z)}}";
    const card = composeCard([messageOf("in-force", { signal: { title } })], {});

    expect(cardLines(card)[1]).toBe(
      "High: [a](https[:]//evil.example) **b** _c_ <at>all</at> { {DATE(2026-01-01T00:00:00Z)}}",
    );
    const blocks = cardParts(card).filter(({ type }) => type === "TextBlock");
    expect(blocks.map(({ text }) => text)).toEqual(["Containment in force"]);
  });

  it("shortens texts before it drops facts", () => {
    const long = composeCard(
      [messageOf("failed", { remains: Array.from({ length: 10 }, () => "😀".repeat(999)) })],
      {},
    );

    expect(sizeOf(long)).toBeLessThanOrEqual(24 * 1024);
    expect(cardLines(long)).toContain("Rule: crypto-mining");
    expect(cardLines(long).filter((line) => line.startsWith("Remains: "))).toEqual([
      ...Array.from({ length: 5 }, () => `Remains: ${"😀".repeat(299)}…`),
      "Remains: 5 more, see the record",
    ]);
  });
});

describe("a card about several messages", () => {
  it("groups them by kind, the most urgent first, and the most severe first in each", () => {
    const waiting = { state: "awaiting-approval", touched: false, proof: null } as const;
    const card = composeCard(
      [
        messageOf("in-force", { signal: { severity: "Low" } }, 1),
        messageOf("awaiting-approval", { ...waiting, reason: "Over budget." }, 2),
        messageOf("in-force", { signal: { severity: "Critical" } }, 3),
        bareMessage("silence", "No event has arrived for 6 hours."),
      ],
      LINKS,
    );

    expect(cardLines(card)).toEqual([
      "4 messages: 1 waiting for approval, 1 about silence, 2 in force",
      "Approval needed (1)",
      "High: Possible crypto coin miner detected",
      "isolate-pod for pod shop/web-1 on prod-aks is planned and waits for a person. Nothing was changed. Over budget.",
      `${ID}, message 2`,
      "reflex show ID, reflex approve ID --reason TEXT, reflex reject ID --reason TEXT",
      "No events from Defender (1)",
      "No event has arrived for 6 hours.",
      "control, message 7",
      "Containment in force (2)",
      "Critical: Possible crypto coin miner detected",
      "isolate-pod for pod shop/web-1 on prod-aks is in force. It was read back and holds. The rule enforces and Defender confirmed the alert.",
      `${ID}, message 3`,
      "Low: Possible crypto coin miner detected",
      "isolate-pod for pod shop/web-1 on prod-aks is in force. It was read back and holds. The rule enforces and Defender confirmed the alert.",
      `${ID}, message 1`,
      "reflex revert ID --reason TEXT",
    ]);
  });

  it("counts what does not fit, and a flood of one kind does not hide another", () => {
    const flood = Array.from({ length: 500 }, (_, index) => messageOf("failed", {}, index));
    const card = composeCard([...flood, messageOf("notice", {}, 1000)], {});

    expect(sizeOf(card)).toBeLessThanOrEqual(24 * 1024);
    expect(cardLines(card)[0]).toBe("501 messages: 500 failed, 1 to know");
    expect(cardLines(card)).toContain(
      "and 480 more: reflex list; reflex show ID, reflex retry ID --reason TEXT",
    );
    expect(cardLines(card)).toContain(`${ID}, message 1000`);
  });

  it.each([
    ["four-byte characters", "😀"],
    ["characters that JSON escapes", '"'],
    ["three-byte characters", "語"],
    ["broken macros", "{{DATE"],
  ])("fits with every kind full of %s", (_name, character) => {
    const card = composeCard(longestDigest(character.repeat(4000)), LINKS);

    expect(sizeOf(card)).toBeLessThanOrEqual(24 * 1024);
    expect(cardLines(card).filter((line) => line.startsWith("i".repeat(100)))).toHaveLength(
      Object.keys(KIND_WORDS).length,
    );
  });
});

describe("any card", () => {
  it("has no empty text, also where nothing of the alert can be shown", () => {
    const unseen = { reason: "", remains: ["\u200B"], signal: { title: "\u202E\u202C", key: "\u00AD" } };
    const lines = cardLines(composeCard([messageOf("failed", unseen)], {}));

    expect(lines).toContain("High: (no text)");
    expect(lines).toContain("Remains: (no text)");
    expect(lines).toContain("Type: (no text)");
    expect(cardLines(composeCard([bareMessage("foreign-mark", "")], {}))[1]).toBe("(no text)");
  });

  it.each(Object.keys(KIND_WORDS))("of kind %s has no fault for Microsoft's renderer", (kind) => {
    const messages = [messageOf("failed"), bareMessage("silence", "x")].map((message) => ({
      ...message,
      kind: kind as keyof typeof KIND_WORDS,
    }));

    expect(messages.map((message) => cardFaults(composeCard([message], LINKS)))).toEqual([[], []]);
    expect(cardFaults(composeCard(messages, LINKS))).toEqual([]);
  });

  it("of hostile messages stays small, valid, free of markup, and keeps title, severity and id", () => {
    const headlines = Object.values(KIND_WORDS).map(({ headline }) => headline);
    fc.assert(
      fc.property(hostileMessage, (message) => {
        const card = composeCard([message], LINKS);
        const [headline, title] = cardLines(card);

        expect(sizeOf(card)).toBeLessThanOrEqual(24 * 1024);
        expect(cardFaults(card)).toEqual([]);
        expect(cardParts(card).filter(({ text }) => text === "")).toEqual([]);
        const blocks = cardParts(card).flatMap(({ type, text }) => (type === "TextBlock" ? [text] : []));
        expect(headlines).toEqual(expect.arrayContaining(blocks));
        expect(headline).toBe(KIND_WORDS[message.kind].headline);
        if (message.remediation !== null) {
          expect(title).toMatch(/^(Critical|High|Low|Unknown severity): /);
        }
        expect(cardLines(card).at(-1)).toBe(`${message.remediationId}, message ${message.sequence}`);
      }),
      { numRuns: 150 },
    );
  });

  it("of many hostile messages stays small and valid, and its own words are all that could be markup", () => {
    const counted = new RegExp(
      `^(\\d+ messages: .*|(${Object.values(KIND_WORDS)
        .map(({ headline }) => headline)
        .join("|")}) \\(\\d+\\))$`,
    );
    fc.assert(
      fc.property(fc.array(hostileMessage, { minLength: 2, maxLength: 60 }), (messages) => {
        const card = composeCard(messages, LINKS);

        expect(sizeOf(card)).toBeLessThanOrEqual(24 * 1024);
        expect(cardFaults(card)).toEqual([]);
        expect(cardParts(card).filter(({ text }) => text === "")).toEqual([]);
        for (const { type, text } of cardParts(card)) {
          expect(type === "TextBlock" ? (text ?? "") : "1 messages: ").toMatch(counted);
        }
      }),
      { numRuns: 60 },
    );
  });
});
