import { describe, expect, it } from "vitest";
import { decodeEvent } from "../../src/signals/index.ts";
import { eventHubAlert, parkedOf } from "./alert-builder.ts";

const ONE = JSON.stringify(eventHubAlert({ SystemAlertId: "one" }));
const TWO = JSON.stringify(eventHubAlert({ SystemAlertId: "two" }));
const SMALL = '{"id":"x"}';

/** Ids of the signals, and of parked pieces their text in brackets. */
function outcome(body: unknown): string[] {
  return decodeEvent(body).map((one) =>
    "signal" in one ? one.signal.id : `[${Buffer.from(one.bytes).toString("utf8")}]`,
  );
}

function reasons(body: unknown): string[] {
  return parkedOf(decodeEvent(body)).map((one) => one.reason);
}

describe("lists and wrappers", () => {
  it("are opened four deep and parked beyond", () => {
    expect(outcome(`[[[[${ONE}]]]]`)).toEqual(["one"]);
    expect(outcome(`{"records":[{"records":[${ONE}]}]}`)).toEqual(["one"]);
    expect(reasons(`[[[[[${ONE}]]]]]`)).toEqual([expect.stringContaining("4 deep")]);
    expect(reasons(`{"records":[{"records":[{"records":[${ONE}]}]}]}`)).toEqual([
      expect.stringContaining("4 deep"),
    ]);
  });

  it("are no wrappers where the object has a type of its own, however it is written", () => {
    expect(outcome(`{"Type":"Contoso/things","id":"thing","value":[1]}`)).toEqual(["thing"]);
    expect(outcome(`{"AlertType":"X","id":"thing","records":[1]}`)).toEqual(["thing"]);
  });

  it("are found among other members, before and after", () => {
    expect(outcome(`{"a:b":{"value":[1]},"value":[${ONE}],"count":"1,2","b":[3]}`)).toEqual(["one"]);
  });

  it("tell a comma too many by an empty piece", () => {
    expect(outcome(`[${ONE},]`)).toEqual(["one", "[]"]);
  });

  it("may hold texts with commas, brackets and quotes", () => {
    expect(outcome(JSON.stringify(["a, b]", ONE, 'c"}, d']))).toEqual(["[a, b]]", "one", '[c"}, d]']);
  });
});

describe("the texts of a body", () => {
  it("may be parted and surrounded by any white space of JSON", () => {
    expect(outcome(`\t${ONE}\t${TWO}\t`)).toEqual(["one", "two"]);
    expect(outcome(`[\t${ONE}\t,\r\n${TWO} ]`)).toEqual(["one", "two"]);
  });

  it("go on in the next line after a text that does not close", () => {
    expect(outcome(`"abc\n${ONE}`)).toEqual(['["abc]', "one"]);
  });

  it("are as deep as their deepest place, not as their last one", () => {
    const nested = `{"id":"deep","a":${"[".repeat(2_000)}${"]".repeat(2_000)},"b":{}}`;
    expect(reasons(nested)).toEqual([expect.stringContaining("deeper than 2000")]);
    expect(reasons(`[${nested}]`)).toEqual([expect.stringContaining("deeper than 2000")]);
  });

  it.each([
    ["the first two bytes of a mark", [0xef, 0xbb, 0x41, 0x42]],
    ["the first and the last byte of a mark", [0xef, 0x41, 0xbf, 0x42]],
    ["the last two bytes of a mark", [0x41, 0xbb, 0xbf, 0x42]],
  ])("keep their first bytes where they begin with %s", (_name, bytes) => {
    const [only] = decodeEvent(Uint8Array.from(bytes));
    expect(only && "bytes" in only ? [...only.bytes] : null).toEqual(bytes);
  });
});

describe("a body at a limit", () => {
  it("is decoded up to the largest size that its reason names, and parked beyond", () => {
    const most = 1_114_112;
    expect(reasons(ONE.padEnd(most))).toEqual([]);
    expect(reasons(ONE.padEnd(most + 1))).toEqual([expect.stringContaining(`${most} bytes`)]);
  });

  it("is decoded up to 5,000 records, and what follows is parked in one piece", () => {
    const results = outcome(`${SMALL}\n`.repeat(5_000));
    expect(new Set(results)).toEqual(new Set(["x"]));
    expect(results).toHaveLength(5_000);
    expect(outcome(`${SMALL}\n`.repeat(5_001)).slice(4_999)).toEqual(["x", `[${SMALL}]`]);
    expect(outcome(`${SMALL}\n`.repeat(5_002)).slice(4_999)).toEqual(["x", `[${SMALL}\n${SMALL}]`]);
  });

  it("counts the lines after a broken one, and loses none of what follows", () => {
    // The mark puts the text behind the start of its memory.
    const body = (lines: number): Uint8Array => Buffer.from(`\ufeff{"a":[1\n${`${SMALL}\n`.repeat(lines)}`);
    for (const rest of [1, 2]) {
      const results = outcome(body(4_999 + rest));
      expect(results).toHaveLength(5_001);
      expect(results[0]).toBe('[{"a":[1]');
      expect(results[5_000]).toBe(`[${Array(rest).fill(SMALL).join("\n")}]`);
    }
  });

  it("counts what waits behind a list", () => {
    const body = `[${Array(4_000).fill(1).join(",")}]\n${`${SMALL}\n`.repeat(4_000)}`;
    expect(decodeEvent(body).length).toBeLessThanOrEqual(5_001);
  });

  it("parks the rest of a list of lists in one piece", () => {
    const results = outcome(`[${"[1],".repeat(6_000)}[1]]`);
    expect(results).toHaveLength(5_001);
    expect(results[5_000]).toBe(`[${"[1],".repeat(1_000)}[1]]`);
  });
});

describe("the reason of a parked piece", () => {
  it("says what is wrong with it", () => {
    expect(reasons("")).toEqual([expect.stringContaining("empty")]);
    expect(reasons(undefined)).toEqual([expect.stringContaining("empty")]);
    expect(reasons('{"a":[1')).toEqual([expect.stringContaining("cut off")]);
    expect(reasons('{"a": }')).toEqual([expect.stringContaining("not valid JSON")]);
    expect(reasons(JSON.stringify(JSON.stringify(ONE)))).toEqual([expect.stringContaining("one text")]);
  });
});

describe("what a host hands over", () => {
  it("is parked, never lost, where it is an empty list or nothing that can be asked", () => {
    expect(parkedOf(decodeEvent([]))).toHaveLength(1);
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(parkedOf(decodeEvent(proxy))).toHaveLength(1);
  });
});
