import fc from "fast-check";
import type { Message, MessageKind } from "../../src/model/message.ts";
import { KIND_WORDS } from "../../src/notify/kind-words.ts";
import { bareMessage, messageOf } from "./messages.ts";

const KINDS = Object.keys(KIND_WORDS).filter((kind): kind is MessageKind => kind in KIND_WORDS);

/** Text as an intruder would write it: any characters, markup of every sink, and much of it. */
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.constantFrom(
    "[click](https://evil.example)",
    "**bold** _x_ `y` <at>everyone</at> {{DATE(2026-01-01T00:00:00Z)}}",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "\u202Egnp.exe\r\nBcc: evil@example.com",
    '"\\'.repeat(3000),
    "😀".repeat(5000),
    "\u{10FFFF}\u0000".repeat(3000),
  ),
);

const aboutRecord = fc
  .record({
    kind: fc.constantFrom(...KINDS),
    title: fc.option(text),
    severity: fc.constantFrom("Critical" as const, "High" as const, "Low" as const, null),
    other: text,
    remains: fc.array(text, { maxLength: 40 }),
    name: text.filter((name) => name !== ""),
    sequence: fc.nat(),
  })
  .map(({ kind, title, severity, other, remains, name, sequence }) =>
    messageOf(
      kind,
      {
        reason: other,
        remains,
        target: { kind: "image", cluster: name, reference: name, digest: null },
        requestedBy: { who: other, id: other, why: other },
        revertedBy: { who: other, id: other, why: other },
        signal: { title, severity, key: other, resourceIds: [other], startedAt: other },
      },
      sequence,
    ),
  );

const aboutNothing = fc
  .tuple(fc.constantFrom(...KINDS), text)
  .map(([kind, words]) => bareMessage(kind, words));

/** Messages of every kind whose texts are meant to do harm. */
export const hostileMessage: fc.Arbitrary<Message> = fc.oneof(
  { arbitrary: aboutRecord, weight: 5 },
  { arbitrary: aboutNothing, weight: 1 },
);

/** One message of each kind, all with the same longest texts: the largest digest there is. */
export function longestDigest(filler: string): readonly Message[] {
  return KINDS.flatMap((kind) =>
    Array.from({ length: 30 }, (_, sequence) =>
      messageOf(
        kind,
        { id: "i".repeat(100), reason: filler, playbook: filler, signal: { title: filler } },
        Number.MAX_SAFE_INTEGER - sequence,
      ),
    ),
  );
}
