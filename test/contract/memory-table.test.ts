import { describe, expect, it } from "vitest";
import { createMemoryTable } from "../../src/store/memory-table.ts";
import { storeContract } from "./store-contract.ts";

const shared = createMemoryTable();
storeContract("The memory table", () => shared);

describe("The memory table", () => {
  it("shares nothing with its callers", async () => {
    const table = createMemoryTable();
    const bytes = new Uint8Array([1, 2, 3]);
    const cells = { bytes, text: "before" };
    await table.transact("p", [{ do: "insert", key: "k", cells }]);
    bytes[0] = 9;
    cells.text = "after";
    const row = await table.get("p", "k");
    expect(row?.cells).toEqual({ bytes: new Uint8Array([1, 2, 3]), text: "before" });
    const read = row?.cells["bytes"];
    if (read instanceof Uint8Array) {
      read[0] = 9;
    }
    expect((await table.get("p", "k"))?.cells["bytes"]).toEqual(new Uint8Array([1, 2, 3]));
  });

  it("shows all rows in order, of all partitions", async () => {
    const table = createMemoryTable();
    await table.transact("b", [{ do: "insert", key: "1", cells: {} }]);
    await table.transact("a", [
      { do: "insert", key: "2", cells: { n: 2 } },
      { do: "insert", key: "1", cells: {} },
    ]);
    expect(table.snapshot().map(({ partition, key }) => `${partition}${key}`)).toEqual(["a1", "a2", "b1"]);
    expect(table.snapshot()[1]).toEqual(await table.get("a", "2"));
  });

  it("counts transactions, the refused ones among them, point reads, pages and rows", async () => {
    const table = createMemoryTable();
    const insert = () => table.transact("p", [{ do: "insert", key: "k", cells: {} }]);
    await insert();
    await expect(insert()).rejects.toThrow("is there already");
    await table.get("p", "k");
    await table.get("p", "missing");
    await table.range("p", { from: "a", to: "z" }, 10);
    expect(table.counts()).toEqual({ transactions: 2, refused: 1, reads: 2, pages: 1, rowsRead: 2 });
  });

  it("can cut pages short, as the service may", async () => {
    const table = createMemoryTable({ longestPage: 2 });
    await table.transact(
      "p",
      ["a", "b", "c"].map((key) => ({ do: "insert", key, cells: {} })),
    );
    const first = await table.range("p", { from: "a", to: "z" }, 10);
    expect(first.rows.map(({ key }) => key)).toEqual(["a", "b"]);
    const second = await table.range("p", { from: first.next ?? "", to: "z" }, 10);
    expect(second.rows.map(({ key }) => key)).toEqual(["c"]);
    expect(second.next).toBeUndefined();
  });
});
