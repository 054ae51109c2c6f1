import { expect, it } from "vitest";
import type { Cell, Operation, Table } from "../../src/store/table.ts";
import { LimitExceeded } from "../../src/store/table-limits.ts";

const KIB = 1024;

function insert(key: string, cells: Readonly<Record<string, Cell>> = {}): Operation {
  return { do: "insert", key, cells };
}

const KEYS_THAT_CANNOT_BE = [
  "a/b",
  "a\\b",
  "a#b",
  "a?b",
  "a\tb",
  "a\u007fb",
  "a\u009fb",
  "\ud83d",
  "k".repeat(513),
];
const NAMES_THAT_CANNOT_BE = [
  "",
  "a-b",
  "1a",
  "a.b",
  "PartitionKey",
  "rowKey",
  "etag",
  "Timestamp",
  "__proto__",
];
const NUMBERS_THAT_CANNOT_BE = [Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53];

/** What the cloud refuses, though Azurite lets some of it pass: what, partition, operations. */
const brokenLimits: [string, string, Operation[]][] = [
  ["an empty transaction", "limits", []],
  ["101 changes", "limits", Array.from({ length: 101 }, (_, n) => insert(`row${n}`))],
  ["one row twice", "limits", [insert("row"), { do: "delete", key: "row", etag: "*" }]],
  ["an empty ETag", "limits", [{ do: "delete", key: "row", etag: "" }]],
  ["text over 32 Ki characters", "limits", [insert("row", { text: "x".repeat(32 * KIB + 1) })]],
  ["half a surrogate pair", "limits", [insert("row", { text: "a\ud83d" })]],
  ["bytes over 64 KiB", "limits", [insert("row", { bytes: new Uint8Array(64 * KIB + 1) })]],
  [
    "253 cells",
    "limits",
    [insert("row", Object.fromEntries(Array.from({ length: 253 }, (_, n) => [`c${n}`, n])))],
  ],
  [
    "a row over 1 MiB",
    "limits",
    [
      insert(
        "row",
        Object.fromEntries(Array.from({ length: 16 }, (_, n) => [`t${n}`, "x".repeat(32 * KIB)])),
      ),
    ],
  ],
  [
    "a transaction over 4 MiB on the wire",
    "limits",
    Array.from({ length: 48 }, (_, n) => insert(`row${n}`, { bytes: new Uint8Array(64 * KIB) })),
  ],
  ...KEYS_THAT_CANNOT_BE.map((key): [string, string, Operation[]] => [
    `the row key ${JSON.stringify(key.slice(0, 9))}`,
    "limits",
    [insert(key)],
  ]),
  ["a partition key with a slash", "limits/", [insert("row")]],
  ...NAMES_THAT_CANNOT_BE.map((cell): [string, string, Operation[]] => [
    `a cell named ${JSON.stringify(cell)}`,
    "limits",
    [insert("row", Object.fromEntries([[cell, 1]]))],
  ]),
  ...NUMBERS_THAT_CANNOT_BE.map((value): [string, string, Operation[]] => [
    `the number ${value}`,
    "limits",
    [insert("row", { value })],
  ]),
];

/** The cases of what a table refuses before it sends or writes anything; part of the store contract. */
export function refusesBrokenLimits(open: () => Table): void {
  it.each(brokenLimits)("refuses %s before anything is written", async (_what, partition, operations) => {
    await expect(open().transact(partition, operations)).rejects.toThrow(LimitExceeded);
  });

  it.each([0, 1_001, 1.5])("refuses a page of %d rows", async (limit) => {
    await expect(open().range("limits", { from: "", to: "z" }, limit)).rejects.toThrow(LimitExceeded);
  });

  it("refuses to ask for keys and bounds that cannot be", async () => {
    await expect(open().get("a/b", "row")).rejects.toThrow(LimitExceeded);
    await expect(open().get("limits", "a#b")).rejects.toThrow(LimitExceeded);
    await expect(open().range("limits", { from: "a\n", to: "z" }, 1)).rejects.toThrow(LimitExceeded);
    await expect(open().range("a?b", { from: "a", to: "z" }, 1)).rejects.toThrow(LimitExceeded);
  });
}
