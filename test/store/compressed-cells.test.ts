import { deflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { Permanent, Refused } from "../../src/model/errors.ts";
import { packBytes, unpackBytes } from "../../src/store/compressed-cells.ts";
import { createRandom } from "./schedule-choices.ts";

const CELL = 64 * 1024;

/** Bytes that do not compress. */
function noise(length: number): Uint8Array {
  const random = createRandom(length);
  return Uint8Array.from({ length }, () => Math.floor(random() * 256));
}

describe("Compressed cells", () => {
  it.each([0, 1, CELL - 100, CELL, 3 * CELL + 17, 8 * CELL - 300])("give back %d bytes", (length) => {
    const bytes = noise(length);
    const cells = packBytes(bytes);
    const names = Object.keys(cells);
    expect(names).toEqual(["b0", "b1", "b2", "b3", "b4", "b5", "b6", "b7"].slice(0, names.length));
    for (const cell of Object.values(cells)) {
      expect(cell.byteLength).toBeGreaterThan(0);
      expect(cell.byteLength).toBeLessThanOrEqual(CELL);
    }
    expect(unpackBytes({ schema: 1, hash: "beside", ...cells })).toEqual(bytes);
  });

  it("compress what repeats itself", () => {
    const text = new TextEncoder().encode(
      '{"name":"payments","image":"registry.example/payments"}'.repeat(10_000),
    );
    const cells = packBytes(text);
    expect(Object.keys(cells)).toEqual(["b0"]);
    expect(unpackBytes(cells)).toEqual(text);
  });

  it("refuse what takes more than 512 KiB, and what nobody would unpack again", () => {
    expect(() => packBytes(noise(8 * CELL))).toThrow(Refused);
    expect(() => packBytes(noise(8 * CELL))).toThrow("cannot be reverted");
    expect(() => packBytes(new Uint8Array(8 * 1024 * 1024 + 1))).toThrow(Refused);
    const most = packBytes(new Uint8Array(8 * 1024 * 1024));
    expect(unpackBytes(most).byteLength).toBe(8 * 1024 * 1024);
  });

  it("refuse to unpack a bomb", () => {
    const bomb = deflateSync(new Uint8Array(40 * 1024 * 1024));
    expect(() => unpackBytes({ b0: bomb })).toThrow(Refused);
  });

  it("say that they are damaged where bytes are missing or changed", () => {
    const cells = packBytes(noise(3 * CELL));
    const [first, ...others] = Object.entries(cells);
    expect(first?.[0]).toBe("b0");
    expect(() => unpackBytes(Object.fromEntries(others))).toThrow(Permanent);
    expect(() => unpackBytes({})).toThrow(Permanent);
    expect(() => unpackBytes({ ...cells, b1: new Uint8Array(CELL) })).toThrow(Permanent);
    expect(() => unpackBytes({ ...cells, b2: "text" })).toThrow(Permanent);
    expect(() => unpackBytes({ b0: deflateSync(noise(100)).subarray(0, 50) })).toThrow(Permanent);
  });
});
