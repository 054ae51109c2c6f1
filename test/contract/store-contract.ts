import { describe, expect, it } from "vitest";
import { type Cell, type Operation, type Row, RowConflict, type Table } from "../../src/store/table.ts";
import { refusesBrokenLimits } from "./store-limits.ts";

const KIB = 1024;

/** What a call was refused with; 0 when it was not, and whatever else it threw is thrown on. */
export async function statusOf(call: Promise<unknown>): Promise<number> {
  try {
    await call;
    return 0;
  } catch (error) {
    if (error instanceof RowConflict) {
      return error.status;
    }
    throw error;
  }
}

function insert(key: string, cells: Readonly<Record<string, Cell>> = {}): Operation {
  return { do: "insert", key, cells };
}

async function etagOf(table: Table, partition: string, key: string): Promise<string> {
  const row = await table.get(partition, key);
  expect(row, `${partition}/${key} is there`).not.toBeNull();
  return row?.etag ?? "";
}

async function readAll(
  table: Table,
  partition: string,
  from: string,
  to: string,
  limit: number,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (let at: string | undefined = from; at !== undefined; ) {
    const page: Awaited<ReturnType<Table["range"]>> = await table.range(partition, { from: at, to }, limit);
    rows.push(...page.rows);
    at = page.next;
  }
  return rows;
}

/**
 * What every table must do: the same cases over the memory table and the real client. `open` gives a table that is
 * prepared; cases keep apart by their partitions.
 */
export function storeContract(name: string, open: () => Table): void {
  describe(`${name} keeps the contract of a table`, () => {
    it("answers null for a row that is not there", async () => {
      expect(await open().get("nobody", "nothing")).toBeNull();
    });

    it("gives back text, numbers, truth values and bytes as they were", async () => {
      const cells = {
        text: "Zürich \u{1F510} „quoted“ 'single' \"double\" \\ back\r\nline {}",
        empty: "",
        whole: 1_772_438_400_000,
        largest: Number.MAX_SAFE_INTEGER,
        least: Number.MIN_SAFE_INTEGER,
        zero: 0,
        fraction: 0.1,
        tiny: 5e-324,
        yes: true,
        no: false,
        bytes: Uint8Array.from({ length: 256 }, (_, value) => value),
        none: new Uint8Array(),
      };
      const etags = await open().transact("cells", [insert("row", cells)]);
      expect(await open().get("cells", "row")).toEqual({
        partition: "cells",
        key: "row",
        etag: etags.get("row"),
        cells,
      });
    });

    it("finds rows whose keys hold quotes, blanks, percent signs and other scripts", async () => {
      const table = open();
      const keys = [
        "it's",
        "''",
        " lead",
        "100%25",
        "a+b&c=d",
        "(x,RowKey='y')",
        "żółć",
        "\u{1F600}",
        "t!a:b|c~",
      ];
      const etags = await table.transact(
        "key's %41",
        keys.map((key) => insert(key, { key })),
      );
      for (const key of keys) {
        const row = await table.get("key's %41", key);
        expect(row).toMatchObject({ partition: "key's %41", key, cells: { key }, etag: etags.get(key) });
        const page = await table.range("key's %41", { from: key, to: `${key}!` }, 1);
        expect(page.rows).toEqual([row]);
      }
      const deletes = keys.map((key): Operation => ({ do: "delete", key, etag: etags.get(key) ?? "" }));
      await table.transact("key's %41", deletes);
      expect((await table.range("key's %41", { from: "", to: "\uffff" }, 1000)).rows).toEqual([]);
    });

    it("refuses to insert a row that exists", async () => {
      const table = open();
      await table.transact("insert", [insert("row", { a: 1 })]);
      expect(await statusOf(table.transact("insert", [insert("row", { a: 2 })]))).toBe(409);
      expect((await table.get("insert", "row"))?.cells).toEqual({ a: 1 });
    });

    it("replaces a row only where it has not changed, and drops the cells that are not named", async () => {
      const table = open();
      await table.transact("replace", [insert("row", { a: 1, b: "b" })]);
      const first = await etagOf(table, "replace", "row");
      const replace = (etag: string, cells: Record<string, Cell>) =>
        table.transact("replace", [{ do: "replace", key: "row", etag, cells }]);
      const second = (await replace(first, { c: 3 })).get("row") ?? "";
      expect(second).not.toBe(first);
      expect(await table.get("replace", "row")).toMatchObject({ etag: second, cells: { c: 3 } });
      expect(Object.keys((await table.get("replace", "row"))?.cells ?? {})).toEqual(["c"]);
      expect(await statusOf(replace(first, { d: 4 }))).toBe(412);
      await replace("*", { e: 5 });
      expect((await table.get("replace", "row"))?.cells).toEqual({ e: 5 });
    });

    it("deletes a row only where it has not changed, alone and among other changes", async () => {
      const table = open();
      await table.transact("delete", [insert("a"), insert("b"), insert("c")]);
      const stale = await etagOf(table, "delete", "b");
      const fresh =
        (await table.transact("delete", [{ do: "upsert", key: "b", cells: { n: 2 } }])).get("b") ?? "";
      expect(await statusOf(table.transact("delete", [{ do: "delete", key: "b", etag: stale }]))).toBe(412);
      const among = (etag: string): Operation[] => [
        { do: "delete", key: "a", etag: "*" },
        insert("d"),
        { do: "delete", key: "b", etag },
      ];
      expect(await statusOf(table.transact("delete", among(stale)))).toBe(412);
      expect((await readAll(table, "delete", "", "z", 10)).map(({ key }) => key)).toEqual(["a", "b", "c"]);
      const etags = await table.transact("delete", among(fresh));
      expect([...etags.keys()]).toEqual(["d"]);
      expect((await readAll(table, "delete", "", "z", 10)).map(({ key }) => key)).toEqual(["c", "d"]);
    });

    it("says 404 to a conditional change of a row that is missing, whatever the ETag", async () => {
      const table = open();
      await table.transact("missing", [insert("gone")]);
      const etag = await etagOf(table, "missing", "gone");
      await table.transact("missing", [{ do: "delete", key: "gone", etag }]);
      for (const condition of [etag, "*"]) {
        const replace: Operation = { do: "replace", key: "gone", etag: condition, cells: {} };
        expect(await statusOf(table.transact("missing", [replace]))).toBe(404);
        expect(
          await statusOf(table.transact("missing", [{ do: "delete", key: "gone", etag: condition }])),
        ).toBe(404);
      }
    });

    it("gives a row that is made anew another ETag", async () => {
      const table = open();
      const first = (await table.transact("anew", [insert("row")])).get("row") ?? "";
      await table.transact("anew", [{ do: "delete", key: "row", etag: first }]);
      await table.transact("anew", [insert("row")]);
      expect(
        await statusOf(table.transact("anew", [{ do: "replace", key: "row", etag: first, cells: {} }])),
      ).toBe(412);
    });

    it("upserts a row, there or not, and drops what is not named", async () => {
      const table = open();
      await table.transact("upsert", [{ do: "upsert", key: "row", cells: { a: 1 } }]);
      expect((await table.get("upsert", "row"))?.cells).toEqual({ a: 1 });
      await table.transact("upsert", [{ do: "upsert", key: "row", cells: { b: 2 } }]);
      expect((await table.get("upsert", "row"))?.cells).toEqual({ b: 2 });
    });

    it("writes all of a transaction or nothing, and names the new ETags", async () => {
      const table = open();
      const etags = await table.transact("atomic", [insert("a", { n: 1 }), insert("b"), insert("c")]);
      const stale = etags.get("b") ?? "";
      const mixed = await table.transact("atomic", [
        { do: "replace", key: "a", etag: etags.get("a") ?? "", cells: { n: 2 } },
        { do: "upsert", key: "b", cells: { n: 2 } },
        { do: "delete", key: "c", etag: etags.get("c") ?? "" },
        insert("d", { n: 2 }),
      ]);
      expect([...mixed.keys()].sort()).toEqual(["a", "b", "d"]);
      for (const [key, etag] of mixed) {
        expect(await table.get("atomic", key)).toMatchObject({ etag, cells: { n: 2 } });
      }
      const before = await readAll(table, "atomic", "", "z", 10);
      const failing: [number, Operation][] = [
        [409, insert("d")],
        [412, { do: "replace", key: "b", etag: stale, cells: {} }],
        [412, { do: "delete", key: "b", etag: stale }],
        [404, { do: "delete", key: "c", etag: "*" }],
      ];
      for (const [status, last] of failing) {
        const first: Operation[] = [
          insert("e"),
          { do: "upsert", key: "a", cells: { n: 3 } },
          { do: "delete", key: last.key === "d" ? "b" : "d", etag: "*" },
        ];
        expect(await statusOf(table.transact("atomic", [...first, last]))).toBe(status);
      }
      expect(await readAll(table, "atomic", "", "z", 10)).toEqual(before);
    });

    it("takes a hundred changes of one transaction", async () => {
      const table = open();
      const keys = Array.from({ length: 100 }, (_, n) => String(n).padStart(3, "0"));
      const etags = await table.transact(
        "hundred",
        keys.map((key) => insert(key, { key })),
      );
      expect([...etags.keys()]).toEqual(keys);
      const rows = await readAll(table, "hundred", "", "z", 1000);
      expect(rows.map(({ key, etag }) => [key, etag])).toEqual([...etags]);
    });

    it("lets one of eight parallel replaces of one row win", async () => {
      const table = open();
      await table.transact("race", [insert("row", { by: -1 })]);
      const etag = await etagOf(table, "race", "row");
      const tries = Array.from({ length: 8 }, (_, by) =>
        statusOf(table.transact("race", [{ do: "replace", key: "row", etag, cells: { by } }])),
      );
      const statuses = await Promise.all(tries);
      expect(statuses.filter((status) => status === 0)).toHaveLength(1);
      expect(statuses.filter((status) => status === 412)).toHaveLength(7);
      expect((await table.get("race", "row"))?.cells["by"]).toBe(statuses.indexOf(0));
    });

    it("lets one of eight parallel inserts of one row win", async () => {
      const table = open();
      const tries = Array.from({ length: 8 }, (_, by) =>
        statusOf(table.transact("first", [insert("row", { by })])),
      );
      const statuses = await Promise.all(tries);
      expect([...statuses].sort((a, b) => a - b)).toEqual([0, 409, 409, 409, 409, 409, 409, 409]);
      expect((await table.get("first", "row"))?.cells["by"]).toBe(statuses.indexOf(0));
    });

    it("ranges from a bound that is included to one that is not, within one partition", async () => {
      const table = open();
      await table.transact(
        "range",
        ["a", "b", "b!1", "b!2", "c"].map((key) => insert(key)),
      );
      await table.transact("range2", [insert("b")]);
      const keys = async (from: string, to: string) =>
        (await table.range("range", { from, to }, 1000)).rows.map(({ key }) => key);
      expect(await keys("b", "c")).toEqual(["b", "b!1", "b!2"]);
      expect(await keys("b!", "b!~")).toEqual(["b!1", "b!2"]);
      expect(await keys("b!1", "b!1")).toEqual([]);
      expect(await keys("c", "a")).toEqual([]);
      expect(await keys("", "\uffff")).toEqual(["a", "b", "b!1", "b!2", "c"]);
      expect(await keys("d", "e")).toEqual([]);
      // What a link in an alert may hold: a bound is no key.
      expect(await keys("a/?#'", "b' or RowKey ge 'a")).toEqual(["b", "b!1", "b!2"]);
    });

    it("orders rows by the numbers of their characters, not as people would", async () => {
      const table = open();
      const ordered = [
        "",
        " ",
        "!",
        "-",
        "10",
        "2",
        "A",
        "Z",
        "_",
        "a",
        "a ",
        "a!",
        "aa",
        "b",
        "~",
        "é",
        "\u{1F600}",
        "\uff21",
      ];
      await table.transact(
        "order",
        ordered.toReversed().map((key) => insert(key)),
      );
      const rows = await readAll(table, "order", "", "\uffff", 1000);
      expect(rows.map(({ key }) => key)).toEqual(ordered);
      const inPages = await readAll(table, "order", "", "\uffff", 1);
      expect(inPages).toEqual(rows);
    });

    it("pages through more rows than one page may hold, each once", async () => {
      const table = open();
      const keys = Array.from({ length: 1_105 }, (_, n) => `r!${String(n).padStart(5, "0")}`);
      const slices = Array.from({ length: 12 }, (_, n) => keys.slice(n * 100, (n + 1) * 100));
      await Promise.all(
        slices.map((slice) =>
          table.transact(
            "pages",
            slice.map((key) => insert(key)),
          ),
        ),
      );
      const first = await table.range("pages", { from: "r!", to: "r!~" }, 1_000);
      expect(first.rows).toHaveLength(1_000);
      expect(first.next).toBeDefined();
      const all = await readAll(table, "pages", "r!", "r!~", 1_000);
      expect(all.map(({ key }) => key)).toEqual(keys);
      const part = await readAll(table, "pages", "r!00010", "r!00120", 7);
      expect(part.map(({ key }) => key)).toEqual(keys.slice(10, 120));
    });

    it("takes what is as large as the limits allow", async () => {
      const table = open();
      const longest = "k".repeat(512);
      const cells = Object.fromEntries([
        ...Array.from({ length: 8 }, (_, n) => [`b${n}`, new Uint8Array(64 * KIB).fill(n + 1)]),
        ...Array.from({ length: 5 }, (_, n) => [`t${n}`, "ż".repeat(32 * KIB)]),
        ...Array.from({ length: 239 }, (_, n) => [`n${n}`, n]),
      ]);
      await table.transact(longest, [insert(longest, cells)]);
      const row = await table.get(longest, longest);
      expect(Object.keys(row?.cells ?? {})).toHaveLength(252);
      expect(row?.cells["b7"]).toEqual(new Uint8Array(64 * KIB).fill(8));
      expect(row?.cells).toMatchObject({ t4: "ż".repeat(32 * KIB) });
      expect((await readAll(table, longest, longest, `${longest}~`, 1)).map(({ key }) => key)).toEqual([
        longest,
      ]);
    });

    refusesBrokenLimits(open);
  });
}
