import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sequenceNumber } from "../../src/functions/sequence-number.ts";

const body = Uint8Array.of(1, 2, 3);
const other = Uint8Array.of(1, 2, 4);

describe("the sequence number of an event", () => {
  it("is the same in every form in which workers give it", () => {
    fc.assert(
      fc.property(fc.nat({ max: Number.MAX_SAFE_INTEGER }), (number) => {
        const halves = {
          low: Number(BigInt.asIntN(32, BigInt(number))),
          high: Math.floor(number / 2 ** 32),
          unsigned: false,
        };
        expect(sequenceNumber(number, body)).toBe(number);
        expect(sequenceNumber(String(number), body)).toBe(number);
        expect(sequenceNumber(halves, body)).toBe(number);
      }),
    );
  });

  it.each([undefined, null, "", "later", Number.NaN, {}, { low: "1", high: 0 }])(
    "is made of the body where the host gives %j",
    (given) => {
      const made = sequenceNumber(given, body);
      expect(made).toBe(sequenceNumber(given, Uint8Array.from(body)));
      expect(made).not.toBe(sequenceNumber(given, other));
      expect(Number.isSafeInteger(made)).toBe(true);
    },
  );
});
