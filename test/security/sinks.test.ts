import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { printTable } from "../../cli/print-table.ts";
import { type MailStandIn, startMail } from "../../local/mail/index.ts";
import { createMailChannel } from "../../src/clients/mail/mail-channel.ts";
import { csvCell } from "../../src/model/csv-cell.ts";
import type { Message, MessageKind } from "../../src/model/message.ts";
import { visibleJson, visibleText } from "../../src/model/visible-text.ts";
import { composeCard } from "../../src/notify/compose-card.ts";
import { composeMail } from "../../src/notify/compose-mail.ts";
import { cardParts } from "../notify/card-reader.ts";
import { bareMessage, messageOf, remediationOf } from "../notify/messages.ts";
import { CORPUS, hostileText } from "./hostile-text.ts";
import { readCsv, readHtml, unseenIn } from "./sink-readers.ts";

const LINKS = { console: "https://reflex.example.com/" };
const kind = fc.constantFrom<MessageKind>(
  "failed",
  "awaiting-approval",
  "in-force",
  "observed",
  "asks",
  "notice",
);
const runs = { numRuns: 200, examples: CORPUS.map((text): [MessageKind, string] => ["failed", text]) };

/** A message in which every text that may come from outside is this one. */
function saying(of: MessageKind, text: string): Message {
  return messageOf(of, {
    playbook: text,
    reason: text,
    remains: [text, text],
    rule: { ...remediationOf().rule, name: text },
    target: { kind: "image", cluster: text, reference: text, digest: null },
    requestedBy: { who: text, id: text, why: text },
    revertedBy: { who: text, id: text, why: text },
    signal: { title: text, key: text, id: text, resourceIds: [text], startedAt: text },
  });
}

/** A digest with such a message beside one about no record. */
const digest = (of: MessageKind, text: string) => [saying(of, text), bareMessage("silence", text)];

/** A card without the texts of its runs: what a reader's client makes of it. */
function cardSkeleton(messages: readonly Message[]): unknown {
  const card: unknown = JSON.parse(JSON.stringify(composeCard(messages, LINKS)));
  return JSON.parse(
    JSON.stringify(card, (_key, value: unknown) =>
      typeof value === "object" && value !== null && "type" in value && value.type === "TextRun"
        ? { ...value, text: "" }
        : value,
    ),
  );
}

const tagsOf = (html: string) => readHtml(html).flatMap((piece) => ("tag" in piece ? [piece.tag] : []));
const textOf = (html: string) =>
  readHtml(html)
    .flatMap((piece) => ("text" in piece ? [piece.text] : []))
    .join("");

describe("text of an alert", () => {
  it("stays a run of text in a card, whatever it holds", () => {
    fc.assert(
      fc.property(kind, hostileText, (of, text) => {
        expect(cardSkeleton([saying(of, text)])).toEqual(cardSkeleton([saying(of, "x")]));
        expect(cardSkeleton(digest(of, text))).toEqual(cardSkeleton(digest(of, "x")));
        for (const part of cardParts(composeCard(digest(of, text), LINKS))) {
          expect(unseenIn(part.text ?? "")).toEqual([]);
          expect(part.text ?? "").not.toMatch(/\{\{(DATE|TIME)|:\/\/|\bwww\.|\bmailto:\S/i);
        }
      }),
      runs,
    );
  });

  it("stays text in the HTML of a mail, whatever it holds", () => {
    fc.assert(
      fc.property(kind, hostileText, (of, text) => {
        for (const messages of [[saying(of, text)], digest(of, text)]) {
          const { html } = composeMail(messages, LINKS);
          const benign = messages.length === 1 ? [saying(of, "x")] : digest(of, "x");
          expect(tagsOf(html)).toEqual(tagsOf(composeMail(benign, LINKS).html));
          expect(unseenIn(textOf(html).replaceAll("\n", ""))).toEqual([]);
        }
      }),
      runs,
    );
  });

  it("begins no line of a mail's text and no header, whatever it holds", () => {
    fc.assert(
      fc.property(kind, hostileText, (of, text) => {
        for (const [hostile, benign] of [
          [composeMail([saying(of, text)], LINKS), composeMail([saying(of, "x")], LINKS)],
          [composeMail(digest(of, text), LINKS), composeMail(digest(of, "x"), LINKS)],
        ] as const) {
          expect(hostile.text.split(/[\r\n\u2028\u2029\u0085\v\f]/)).toHaveLength(
            benign.text.split("\n").length,
          );
          expect(unseenIn(hostile.text.replaceAll("\n", ""))).toEqual([]);
          expect(unseenIn(hostile.subject)).toEqual([]);
        }
      }),
      runs,
    );
  });

  it("stays in its cell of a CSV file and is no formula, whatever it holds", () => {
    fc.assert(
      fc.property(fc.array(hostileText, { minLength: 1, maxLength: 4 }), (texts) => {
        const csv = texts.map(csvCell).join(",");
        const rows = readCsv(csv);
        expect(rows).toHaveLength(1);
        expect(rows[0]?.map((cell) => cell.replace(/^'/, ""))).toEqual(
          texts.map((text) => visibleText(text).replace(/^'/, "")),
        );
        expect(unseenIn(csv)).toEqual([]);
        for (const cell of rows[0] ?? []) expect(cell).not.toMatch(/^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]/);
      }),
      { numRuns: 300, examples: [[[...CORPUS]]] },
    );
  });

  it("stays one line of JSON in a log and is the same value again, whatever it holds", () => {
    fc.assert(
      fc.property(hostileText, hostileText, (event, text) => {
        const entry = { level: "info", event, facts: { [text]: text } };
        const line = visibleJson(entry);
        expect(unseenIn(line)).toEqual([]);
        expect(JSON.parse(line)).toEqual(JSON.parse(JSON.stringify(entry)));
      }),
      { numRuns: 300, examples: CORPUS.map((text): [string, string] => [text, text]) },
    );
  });

  it("stays in its line and in its column on a terminal, whatever it holds", () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        let out = "";
        const io = {
          write: (part: string) => {
            out += part;
          },
        };
        printTable(io, [{ title: "A" }, { title: "B", most: 20 }], [[text, text]]);
        expect(out.split(/[\r\n\u2028\u2029\u0085\v\f]/)).toHaveLength(3);
        expect(unseenIn(out.replaceAll("\n", ""))).toEqual([]);
        expect(unseenIn(visibleText(text))).toEqual([]);
      }),
      { numRuns: 200, examples: CORPUS.map((text): [string] => [text]) },
    );
    expect(visibleText(CORPUS.join("\n")).split("\n")).toHaveLength(1);
  });
});

describe("text of an alert on the wire of a mail server", () => {
  let sink: MailStandIn;
  beforeAll(async () => {
    sink = await startMail();
  });
  afterAll(() => sink.stop());

  it("adds no header, no recipient and no part", async () => {
    const channel = createMailChannel({
      server: `smtp://${sink.host}:${sink.port}`,
      from: "reflex@example.com",
      to: ["soc@example.com"],
      allowLoopback: true,
    });
    const shapes = new Set<string>();
    for (const text of ["x", ...CORPUS]) {
      const messages = [{ ...saying("failed", text), remediationId: text }];
      await channel.post(composeMail(messages, LINKS), messages);
      const mail = sink.messages.at(-1);
      const boundary = /boundary="([^"]+)"/.exec(mail?.raw.toString("latin1") ?? "")?.[1] ?? "none";
      const parts = (mail?.body ?? "").split(`--${boundary}`).length;
      shapes.add(JSON.stringify([mail?.headers.map(([name]) => name), mail?.to, parts]));
    }

    expect([...shapes]).toHaveLength(1);
    expect([...shapes][0]).toContain('["soc@example.com"],4]');
  });
});

// What the readers above are worth: each finds the text where a sink writes it as it came.
describe("a sink that escapes nothing is found out", () => {
  it("by the reader of HTML", () => {
    const naive = (text: string) => `<p title="${text}">${text}</p>`;
    expect(tagsOf(naive("x"))).toEqual(['<p title="x">', "</p>"]);
    const escapes = CORPUS.filter((text) => tagsOf(naive(text)).length !== 2);
    expect(escapes).toContain("<script>alert(1)</script>");
    expect(escapes).toContain("</td></tr></table><img src=x onerror=alert(1)>");
    expect(tagsOf(naive(`" onmouseover="alert(1)`))[0]).not.toBe('<p title="x">');
  });

  it("by the reader of CSV", () => {
    expect(readCsv(CORPUS.join(",")).length).toBeGreaterThan(1);
    expect(readCsv(`"${'","=1+1","'}"`)[0]).toHaveLength(3);
    expect(readCsv('"a ""b"", c",d')).toEqual([['a "b", c', "d"]]);
  });

  it("by the search for what cannot be seen", () => {
    expect(CORPUS.filter((text) => unseenIn(JSON.stringify(text)).length > 0).length).toBeGreaterThan(3);
    expect(unseenIn("\u001b[2J")).toEqual(["\u001b"]);
  });
});
