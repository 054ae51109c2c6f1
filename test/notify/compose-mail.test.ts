import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { composeMail } from "../../src/notify/compose-mail.ts";
import { hostileMessage } from "./hostile-messages.ts";
import { bareMessage, ID, messageOf, remediationOf } from "./messages.ts";

const LINKS = { console: "https://reflex.example.com/" };

describe("a mail about one message", () => {
  it("tells an approval in full, and how to give it", () => {
    const message = messageOf("awaiting-approval", {
      state: "awaiting-approval",
      touched: false,
      proof: null,
      mode: "approve",
      reason: "The budget of this hour is used up.",
      deadline: null,
      requestedBy: { who: "ana@example.com", id: "t/ana", why: "incident 42" },
    });
    const mail = composeMail([message], LINKS);

    expect(mail.subject).toBe("defender-reflex: Approval needed (High): Possible crypto coin miner detected");
    expect(mail.text).toBe(`Approval needed
High: Possible crypto coin miner detected

isolate-pod for pod shop/web-1 on prod-aks is planned and waits for a person. Nothing was changed.

Why: The budget of this hour is used up.

Target: pod shop/web-1 on prod-aks
State: awaiting-approval
Approval runs out: 2026-03-02 12:30 UTC
Rule: crypto-mining
Mode: approve (the rule says enforce)
Asked for by: ana@example.com: incident 42
Type: K8S.NODE_CryptoCoinMinerExecution
Alert: 2517538088322968242_9e5d
First activity: 2026-03-01 12:28 UTC
Resource: /subscriptions/5ab1/resourceGroups/shop/providers/Microsoft.ContainerService/managedClusters/prod-aks
Told at: 2026-03-01 12:30 UTC

See plan and history: reflex show ${ID}
Approve: reflex approve ${ID} --reason TEXT
Reject: reflex reject ${ID} --reason TEXT

Console: https://reflex.example.com/

${ID}, message 2
`);
  });

  it.each([
    [
      messageOf("deadline-warning", { deadline: null }),
      "Ends: when somebody takes it back",
      `Keep it longer: reflex extend ${ID} --by 4h --reason TEXT\nTake it back: reflex revert ${ID} --reason TEXT`,
    ],
    [
      messageOf("failed", { state: "failed", proof: "unverified" }),
      "isolate-pod for pod shop/web-1 on prod-aks failed. It could not be verified.",
      `Try again: reflex retry ${ID} --reason TEXT`,
    ],
    [
      messageOf("reverted", {
        state: "reverted",
        revertedBy: { who: "ana", id: "t/ana", why: "false alarm" },
      }),
      "Taken back by: ana: false alarm",
      `See plan and history: reflex show ${ID}`,
    ],
    [
      messageOf("observed", { state: "observed", touched: false, proof: null, mode: "observe" }),
      "was planned and left undone, since it only observes. Nothing was changed.",
      "Mode: observe (the rule says enforce)",
    ],
    [
      messageOf("ended", { signal: { kind: "manual", title: null, severity: null, key: null, id: "run-1" } }),
      "Unknown severity: Manual run of isolate-pod",
      "Run: run-1",
    ],
  ])("says what matters for this kind (case %#)", (message, first, second) => {
    const { text } = composeMail([message], LINKS);

    expect(text).toContain(first);
    expect(text).toContain(second);
  });

  it("escapes markup of every field and links nothing but the console", () => {
    const hostile = `<img src=x onerror="alert(1)">'&https://evil.example`;
    const { html } = composeMail(
      [
        messageOf("failed", {
          reason: hostile,
          remains: [hostile],
          rule: { ...remediationOf().rule, name: hostile },
          signal: { title: hostile, key: hostile },
        }),
      ],
      LINKS,
    );

    const escaped = "&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&#39;&amp;https[:]//evil.example";
    expect(html.split(escaped)).toHaveLength(6);
    expect(html).not.toContain("<img");
    expect(html.match(/href="[^"]*"/g)).toEqual(['href="https://reflex.example.com/"']);
  });

  it("lets no text begin a line of its own", () => {
    const { subject, text } = composeMail(
      [messageOf("notice", { signal: { title: "x\r\nBcc: evil@example.com\u202E" } })],
      {},
    );

    expect(subject).toBe("defender-reflex: Notice (High): x Bcc: evil@example.com");
    expect(text).toContain("\nHigh: x Bcc: evil@example.com\n");
  });
});

describe("a mail about several messages", () => {
  it("is a digest by kind", () => {
    const mail = composeMail(
      [
        messageOf("in-force", {}, 1),
        bareMessage("silence", "No event for 6 hours."),
        messageOf("in-force", {}, 2),
      ],
      {},
    );

    expect(mail.subject).toBe("defender-reflex: 3 messages: 1 about silence, 2 in force");
    expect(mail.text).toBe(`3 messages: 1 about silence, 2 in force

== No events from Defender (1) ==

No event for 6 hours.
control, message 7

== Containment in force (2) ==

High: Possible crypto coin miner detected
isolate-pod for pod shop/web-1 on prod-aks is in force. It was read back and holds. The rule enforces and Defender confirmed the alert.
${ID}, message 1

High: Possible crypto coin miner detected
isolate-pod for pod shop/web-1 on prod-aks is in force. It was read back and holds. The rule enforces and Defender confirmed the alert.
${ID}, message 2

reflex revert ID --reason TEXT
`);
  });

  it("counts those it does not tell", () => {
    const { text } = composeMail(
      Array.from({ length: 60 }, (_, index) => messageOf("in-force", {}, index)),
      {},
    );

    expect(text).toContain("and 10 more: reflex list; reflex revert ID --reason TEXT");
    expect(text.match(/, message \d+$/gm)).toHaveLength(50);
  });
});

describe("any mail", () => {
  it("of hostile messages holds our own markup only, a subject of one line, and its marks", () => {
    const ours = /^(html|head|meta|title|body|div|h1|h2|p|b|ul|li|table|tr|th|td|code|a)$/;
    fc.assert(
      fc.property(fc.array(hostileMessage, { minLength: 1, maxLength: 8 }), (messages) => {
        const { subject, text, html } = composeMail(messages, LINKS);

        expect(subject).not.toMatch(/[\p{Cc}\p{Cf}]/u);
        expect(html.match(/=["']?https?:/g)).toEqual(['="https:']);
        for (const [, name] of html.replace("<!doctype html>", "").matchAll(/<\/?([^\s>]*)/g)) {
          expect(name).toMatch(ours);
        }
        expect(html).not.toMatch(/<[^>]*\son\w+=/i);
        for (const { remediationId, sequence } of messages) {
          expect(text).toContain(`${remediationId}, message ${sequence}\n`);
        }
      }),
      { numRuns: 60 },
    );
  });
});
