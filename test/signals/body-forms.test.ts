import { describe, expect, it } from "vitest";
import { decodeEvent } from "../../src/signals/index.ts";
import { eventHubAlert, parkedOf } from "./alert-builder.ts";

const ONE = JSON.stringify(eventHubAlert({ SystemAlertId: "one" }));
const TWO = JSON.stringify(eventHubAlert({ SystemAlertId: "two" }));

/** Ids of the signals, and of parked pieces their text in brackets. */
function outcome(body: unknown): string[] {
  return decodeEvent(body).map((one) =>
    "signal" in one ? one.signal.id : `[${Buffer.from(one.bytes).toString("utf8")}]`,
  );
}

describe("the body of an event", () => {
  it("may be one object, a list, records or value", () => {
    expect(outcome(ONE)).toEqual(["one"]);
    expect(outcome(`[${ONE}, ${TWO}]`)).toEqual(["one", "two"]);
    expect(outcome(`{"records":[${ONE},${TWO}]}`)).toEqual(["one", "two"]);
    expect(outcome(`{"nextLink":"x","value": [${TWO}] }`)).toEqual(["two"]);
  });

  it("may be JSON inside text, once and not twice", () => {
    const text = JSON.stringify(`[${ONE},${TWO}]`);
    expect(outcome(text)).toEqual(["one", "two"]);
    expect(outcome(JSON.stringify([ONE, TWO]))).toEqual(["one", "two"]);
    expect(parkedOf(decodeEvent(JSON.stringify(JSON.stringify(ONE))))).toHaveLength(1);
  });

  it("may be several texts, a line each or one after another, with windows line ends and blank lines", () => {
    expect(outcome(`${ONE}\n${TWO}\n`)).toEqual(["one", "two"]);
    expect(outcome(`${ONE}\r\n\r\n${TWO}`)).toEqual(["one", "two"]);
    expect(outcome(`${ONE}${TWO}[${ONE}]`)).toEqual(["one", "two", "one"]);
  });

  it("may span lines with brackets and quotes inside its strings", () => {
    const tricky = eventHubAlert({ SystemAlertId: "tricky", AlertDisplayName: 'a "quoted\\" ]}{[ text' });
    expect(outcome(`${JSON.stringify(tricky, null, 2)}\n${ONE}`)).toEqual(["tricky", "one"]);
  });

  it("may begin with a byte order mark", () => {
    expect(outcome(Buffer.from(`\ufeff${ONE}`))).toEqual(["one"]);
    expect(outcome(`\ufeff${ONE}`)).toEqual(["one"]);
    expect(outcome(JSON.stringify(`\ufeff${ONE}`))).toEqual(["one"]);
  });

  it("may be a host's list of bodies, each of its own kind", () => {
    expect(outcome([JSON.parse(ONE), TWO, Buffer.from(ONE), Buffer.from("x")])).toEqual([
      "one",
      "two",
      "one",
      "[x]",
    ]);
  });

  it("keeps a record whose type is set though it has a list called value", () => {
    expect(outcome({ type: "Contoso/things", id: "thing", value: [1] })).toEqual(["thing"]);
  });

  it("takes the last of two members called records, as a JSON parser does", () => {
    expect(outcome(`{"records":[${ONE}],"\\u0072ecords":[${TWO}]}`)).toEqual(["two"]);
  });
});

describe("a piece that cannot be decoded", () => {
  it("is parked with its own bytes while the rest of the body is decoded", () => {
    expect(outcome(`${ONE}\nnot json {x}\n${TWO}`)).toEqual(["one", "[not json]", "[{x}]", "two"]);
    expect(outcome(`[${ONE}, {"a": } , 17, ${TWO}]`)).toEqual(["one", '[{"a": }]', "[17]", "two"]);
    expect(outcome(JSON.stringify([ONE, "no", null]))).toEqual(["one", "[no]", "[null]"]);
  });

  it("does not take the next lines with it when it is cut off", () => {
    const cut = ONE.slice(0, 40);
    expect(outcome(`${ONE}\n${cut}\n${TWO}\n`)).toEqual(["one", `[${cut}]`, "two"]);
    expect(outcome(`{"a": [1, 2\n${ONE}\n{"b":\n[${TWO}]`)).toEqual([
      '[{"a": [1, 2]',
      "one",
      '[{"b":]',
      "two",
    ]);
  });

  it("ends with its line when it is cut off inside a text", () => {
    expect(outcome(`{"a":"x\n${ONE}\n"}`)).toEqual(['[{"a":"x]', "one", '["}]']);
  });

  it("is parked whole when a record over several lines is cut off", () => {
    const pretty = JSON.stringify(eventHubAlert({ Entities: [{ Type: "ip" }] }), null, 2).slice(0, -40);
    expect(outcome(pretty)).toEqual([`[${pretty}]`]);
  });

  it.each([
    ["nothing", ""],
    ["white space", " \n\t "],
    ["an empty object", "{}"],
    ["an empty list", "[]"],
    ["no records", '{"records":[]}'],
    ["a number", "42"],
    ["null", "null"],
    ["true", "true"],
    ["an empty text", '""'],
    ["undefined", undefined],
    ["a big integer", 10n],
    ["a function", () => 1],
    ["an unclosed text", '"abc'],
    ["a list closed by a brace", "[1}"],
    ["half a surrogate pair", '{"a":"\ud800"}'],
  ])("is parked with a reason where the body is %s", (_name, body) => {
    const parked = parkedOf(decodeEvent(body));
    expect(parked).toHaveLength(1);
    expect(parked[0]?.reason).toMatch(/^[A-Z].+\.$/);
    if (typeof body === "string" && body.trim() !== "" && !body.includes("\ud800") && !body.startsWith('{"r'))
      expect(parked[0]?.text).toBe(body);
  });

  it("is parked where its bytes are not UTF-8, byte for byte, and only that piece", () => {
    const broken = Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff, 0xc0]), Buffer.from('"}')]);
    const results = decodeEvent(Buffer.concat([Buffer.from(`${ONE}\n`), broken]));
    expect(results).toMatchObject([{ signal: { id: "one" } }, { parked: "The bytes are not valid UTF-8." }]);
    const last = results[1];
    expect(last && "bytes" in last ? Buffer.compare(last.bytes, broken) : -1).toBe(0);
  });

  it("is parked where the body is larger than an event can be", () => {
    const results = decodeEvent(Buffer.alloc(1_200_000, 0x20));
    expect(parkedOf(results)[0]?.reason).toContain("larger than");
  });

  it("is parked where it nests deeper than the limit, and decoded just below it", () => {
    const nested = (depth: number): string => `{"id":"deep","a":${"[".repeat(depth)}${"]".repeat(depth)}}`;
    expect(parkedOf(decodeEvent(nested(2_000)))[0]?.reason).toContain("deeper than 2000");
    expect(outcome(nested(1_999))).toEqual(["deep"]);
    expect(outcome(`[${nested(2_000)},${ONE}]`)).toEqual([`[${nested(2_000)}]`, "one"]);
  });

  it("is parked and kills nothing where brackets open a hundred thousand times", () => {
    for (const text of ["[", "{", '{"a":', "[[", '["']) {
      expect(parkedOf(decodeEvent(text.repeat(100_000)))).not.toEqual([]);
    }
    expect(parkedOf(decodeEvent("[".repeat(100_000) + "]".repeat(100_000)))).toHaveLength(1);
    let deep: unknown = 1;
    for (let at = 0; at < 100_000; at += 1) deep = { a: deep };
    expect(parkedOf(decodeEvent(deep))).toHaveLength(1);
  });

  it("is the rest of the body where there are more pieces than real events hold", () => {
    const lines = decodeEvent("1\n".repeat(100_000));
    expect(lines).toHaveLength(5_001);
    const elements = decodeEvent(`[${"1,".repeat(100_000)}1]`);
    expect(elements.length).toBeLessThanOrEqual(5_001);
    const total = elements.reduce((sum, one) => sum + ("bytes" in one ? one.bytes.length : 0), 0);
    expect(total).toBeGreaterThan(150_000);
  });

  it("is parked where a value refers to itself", () => {
    const loop: Record<string, unknown> = {};
    loop.again = loop;
    expect(parkedOf(decodeEvent(loop))).toHaveLength(1);
    expect(parkedOf(decodeEvent([loop]))).toHaveLength(1);
  });
});
