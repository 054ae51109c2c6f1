import fc from "fast-check";
import rhea from "rhea";
import { describe, expect, it } from "vitest";
import { sectionsWhere } from "../../../local/event-hubs/message-sections.ts";
import { annotatedMessage } from "../../../local/event-hubs/outgoing-message.ts";
import { decodeMessage, storedEvent } from "../../../local/event-hubs/stored-event.ts";

const { types } = rhea;
const value = fc.oneof(
  fc.string(),
  fc.boolean(),
  fc.integer(),
  fc.double({ noNaN: true }).map((number) => types.wrap_double(number)),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc.array(fc.integer()),
  fc.string().map((text) => types.wrap_described(text, "kind:of")),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((number) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(number);
    return types.wrap_ulong(bytes);
  }),
);
const message = fc.record({
  durable: fc.boolean(),
  message_id: fc.string(),
  application_properties: fc.dictionary(fc.string({ maxLength: 10 }), value, { maxKeys: 4 }),
  message_annotations: fc.dictionary(fc.stringMatching(/^[a-z-]{1,20}$/), fc.string(), { maxKeys: 3 }),
  body: value,
});

describe("the sections of a message", () => {
  it("are found whatever they hold: together they are the message again", () => {
    fc.assert(
      fc.property(message, (fields) => {
        const encoded = rhea.message.encode(fields);
        expect(sectionsWhere(encoded, () => true).equals(encoded)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it("of the sender reach a reader byte by byte behind the annotations of the service", () => {
    fc.assert(
      fc.property(message, (fields) => {
        const encoded = rhea.message.encode(fields);
        const place = {
          sequenceNumber: 300,
          offset: "77",
          enqueuedTimeUtc: new Date(5),
          partitionKey: "key",
        };
        const decoded = decodeMessage(encoded);
        const wire = annotatedMessage(encoded, decoded, storedEvent(decoded, place));
        const bare = (code: number) => code >= 0x73;
        expect(sectionsWhere(wire, bare).equals(sectionsWhere(encoded, bare))).toBe(true);
        expect(decodeMessage(wire).message_annotations).toEqual({
          ...fields.message_annotations,
          "x-opt-sequence-number": 300,
          "x-opt-offset": "77",
          "x-opt-enqueued-time": new Date(5),
          "x-opt-partition-key": "key",
        });
      }),
      { numRuns: 200 },
    );
  });

  it.each([
    ["a value without a descriptor", [0x53, 0x75]],
    ["a symbolic descriptor", [0x00, 0xa3, 0x01, 0x61, 0x40]],
    ["an unknown type code", [0x00, 0x53, 0x75, 0x11]],
    ["fewer bytes than it says", [0x00, 0x53, 0x75, 0xa0, 0x04, 0x01]],
  ])("are refused with %s", (_, bytes) => {
    expect(() => sectionsWhere(Buffer.from(bytes), () => true)).toThrow(Error);
  });
});
