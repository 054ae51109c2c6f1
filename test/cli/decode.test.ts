import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { decodeEvent } from "../../src/signals/index.ts";
import { HOSTILE, reflex, unsafeIn } from "./terminal.ts";

const read = (name: string) => readFileSync(new URL(`../fixtures/signals/${name}`, import.meta.url), "utf8");
const ORDERS = read("orders-pod.eventhub.json");
const EXPECTED: unknown = JSON.parse(read("orders-pod.expected.json"));

describe("reflex decode", () => {
  it("prints one line of JSON per record with every field of its Signal, also without --json", async () => {
    const list = JSON.stringify([JSON.parse(ORDERS), JSON.parse(read("unknown.json"))]);
    const files = { "one.json": ORDERS, "two.json": list };
    const plain = await reflex(["decode", "one.json", "two.json"], { files });
    expect(plain).toMatchObject({ code: 0, err: "" });
    expect(plain.json()).toEqual([EXPECTED, EXPECTED, JSON.parse(read("unknown.expected.json"))]);
    expect((await reflex(["decode", "one.json", "two.json", "--json"], { files })).out).toBe(plain.out);
  });

  it("says whether something may be done about a record, and if not why", async () => {
    const resolved = JSON.stringify({ ...JSON.parse(ORDERS), Status: "Resolved" });
    const { json } = await reflex(["decode", "a", "b"], { files: { a: ORDERS, b: resolved } });
    expect(json()).toMatchObject([
      { actionable: true, notActionable: null },
      { actionable: false, notActionable: "resolved" },
    ]);
  });

  it("prints what was parked with its reason, goes on, and answers 1", async () => {
    const files = { bad: `{"AlertType":\n${ORDERS.trimEnd()}`, empty: "", good: ORDERS };
    const { code, json, err } = await reflex(["decode", "bad", "empty", "good"], { files });
    expect(code).toBe(1);
    expect(err).toBe("");
    expect(json()).toContainEqual({ parked: "The body is empty." });
    expect(json()).toContainEqual({ parked: expect.stringMatching(/cut off|not valid JSON/) });
    expect(json().at(-1)).toEqual(EXPECTED);
  });

  it("reads standard input as -, once", async () => {
    const files = { "-": ORDERS };
    expect((await reflex(["decode", "-"], { files })).json()).toEqual([EXPECTED]);
    const twice = await reflex(["decode", "-", "-"], { files });
    expect(twice).toMatchObject({ code: 2, out: "" });
    expect(twice.err).toBe("reflex: standard input (-) can be read only once; name it once.\n");
  });

  it("tells of a file that cannot be read in one sentence, decodes the others, and answers 2", async () => {
    const ran = await reflex(["decode", "missing.json", "good", "empty"], {
      files: { good: ORDERS, empty: "" },
    });
    expect(ran.code).toBe(2);
    expect(ran.err).toBe("reflex: missing.json cannot be read: there is no such file.\n");
    expect(ran.json()).toEqual([EXPECTED, { parked: "The body is empty." }]);
  });

  it("takes an export that is larger than an event record by record, as a list and as NDJSON", async () => {
    const records = Array.from({ length: 400 }, (_none, index) => ({
      ...JSON.parse(ORDERS),
      SystemAlertId: `alert-${index}`,
      Description: "x".repeat(2000),
    }));
    const files = {
      list: JSON.stringify(records),
      wrapped: JSON.stringify({ value: records }),
      lines: records.map((record) => JSON.stringify(record)).join("\r\n"),
    };
    expect(files.list.length).toBeGreaterThan(1024 * 1024 + 64 * 1024);
    for (const name of Object.keys(files)) {
      const { code, json } = await reflex(["decode", name], { files });
      expect(code).toBe(0);
      expect(json().map((signal) => (signal as { id: string }).id)).toEqual(
        records.map((one) => one.SystemAlertId),
      );
    }
  });

  it("parks a file that is larger than an event and no list", async () => {
    const files = { large: JSON.stringify({ AlertType: "x", blob: "x".repeat(2_000_000) }) };
    const { code, json } = await reflex(["decode", "large"], { files });
    expect(code).toBe(1);
    expect(json()).toEqual([{ parked: expect.stringContaining("larger than") }]);
  });

  it("prints hostile text as the same value, with nothing that a terminal would obey", async () => {
    const hostile = HOSTILE.toWellFormed();
    const record = JSON.stringify({ ...JSON.parse(ORDERS), AlertDisplayName: hostile });
    const ran = await reflex(["decode", "a"], { files: { a: record } });
    expect(unsafeIn(ran.out)).toEqual([]);
    const [decoded] = decodeEvent(record);
    expect(ran.json()).toEqual([decoded !== undefined && "signal" in decoded ? decoded.signal : null]);
    expect(ran.json()).toMatchObject([{ title: expect.stringContaining("\u202eexe") }]);
  });
});
