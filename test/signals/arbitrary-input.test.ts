import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Decoded } from "../../src/model/signal.ts";
import { decodeEvent } from "../../src/signals/index.ts";
import { chain, eventHubAlert, inventedIn } from "./alert-builder.ts";

const FIXTURES = new URL("../fixtures/signals/", import.meta.url);
const BODIES = readdirSync(FIXTURES)
  .filter((name) => name.endsWith(".json") && !name.endsWith(".expected.json"))
  .map((name) => readFileSync(new URL(name, FIXTURES), "utf8"));

const DANGEROUS = [
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty",
  "$ref",
  "$id",
  "Type",
  "type",
];

/** Names and values of Object.prototype; decoding must leave them as they are. */
function prototypeState(): string {
  return JSON.stringify(
    Reflect.ownKeys(Object.prototype).map((key) => [String(key), typeof Reflect.get(Object.prototype, key)]),
  );
}

/** Decodes, checks that each outcome has its shape, and gives the outcomes. */
function decodeSafely(body: unknown): Decoded[] {
  const before = prototypeState();
  const results = decodeEvent(body);
  expect(prototypeState()).toBe(before);
  expect(results.length).toBeGreaterThan(0);
  for (const one of results) {
    if ("parked" in one)
      expect([typeof one.parked, one.bytes instanceof Uint8Array]).toEqual(["string", true]);
    else
      expect([typeof one.signal.id, one.signal.actionable]).toEqual([
        "string",
        one.signal.notActionable === null,
      ]);
  }
  return results;
}

/** Some JSON value with names that mean something to JavaScript or to Defender. */
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, 0, -1.5, "", "*", "4", "a", "Microsoft.Security/assessments", "K8s-pod"),
    fc.string(),
    fc.array(tie("value"), { maxLength: 4 }),
    fc
      .array(fc.tuple(fc.oneof(fc.constantFrom(...DANGEROUS), fc.string()), tie("value")), { maxLength: 4 })
      .map(
        (members) =>
          `{${members.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(",")}}`,
      )
      .map((text): unknown => JSON.parse(text)),
  ),
})).value;

/** A fixture in which one value, found by walking, is replaced by another or set under a dangerous name. */
const mutated = fc
  .tuple(
    fc.constantFrom(...BODIES),
    fc.nat(),
    fc.constantFrom("replace", "add", "remove"),
    fc.constantFrom(...DANGEROUS),
    json,
  )
  .map(([text, where, how, name, value]) => {
    const root: unknown = JSON.parse(text);
    const containers: Record<string, unknown>[] = [];
    const stack: unknown[] = [root];
    for (let one = stack.pop(); one !== undefined; one = stack.pop()) {
      if (typeof one !== "object" || one === null) continue;
      containers.push(one as Record<string, unknown>);
      stack.push(...Object.values(one).filter((inner) => inner !== null));
    }
    const container = containers[where % containers.length] ?? {};
    const keys = Object.keys(container);
    const key = how === "add" ? name : (keys[where % Math.max(1, keys.length)] ?? name);
    if (how === "remove") delete container[key];
    else
      Object.defineProperty(container, key, { value, enumerable: true, configurable: true, writable: true });
    return root;
  });

describe("decodeEvent on any input", () => {
  it("neither throws nor touches Object.prototype, whatever the value", () => {
    fc.assert(
      fc.property(
        fc.anything({
          withBigInt: true,
          withDate: true,
          withMap: true,
          withTypedArray: true,
          withNullPrototype: true,
        }),
        (value) => {
          decodeSafely(value);
        },
      ),
    );
  });

  it("neither throws nor loses bytes, whatever the bytes", () => {
    const withoutSpace = (bytes: Uint8Array): number[] =>
      [...bytes].filter((byte) => ![0x20, 0x0a, 0x0d, 0x09].includes(byte));
    // Lists and texts are unfolded, so only without them is the body the sum of what is parked.
    const plain = fc
      .array(fc.oneof(fc.constantFrom(0x7b, 0x7d, 0x0a, 0x20), fc.nat({ max: 255 })), { maxLength: 60 })
      .map((bytes) => Uint8Array.from(bytes.filter((byte) => ![0x5b, 0x22, 0xef].includes(byte))));
    fc.assert(
      fc.property(plain, (bytes) => {
        const parked = decodeSafely(bytes).flatMap((one) => ("bytes" in one ? [...one.bytes] : []));
        expect(withoutSpace(Uint8Array.from(parked))).toEqual(withoutSpace(bytes));
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        decodeSafely(bytes);
      }),
    );
    const piece = fc.constantFrom(
      "{",
      "}",
      "[",
      "]",
      '"',
      "\\",
      ",",
      ":",
      "\n",
      " ",
      "1",
      '"a"',
      '{"id":"x"}',
      "é",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        decodeSafely(pieces.join(""));
      }),
      { numRuns: 500 },
    );
  });

  it("survives hostile objects of a host", () => {
    const hostile = [
      new Proxy(
        {},
        {
          ownKeys: () => {
            throw new Error("no");
          },
        },
      ),
      {
        get a(): never {
          throw new Error("no");
        },
      },
      { toJSON: () => ({ id: "x" }) },
      Object.assign(Object.create(null), { id: "x" }),
    ];
    for (const value of hostile) expect(decodeSafely(value)).toHaveLength(1);
    expect(decodeSafely(hostile)).toHaveLength(hostile.length);
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(decodeSafely(proxy)).toHaveLength(1);
  });

  it("reads own properties only, also where something else has put names on Object.prototype", () => {
    const names = ["records", "Type", "SystemAlertId", "id"];
    try {
      for (const name of names)
        Object.defineProperty(Object.prototype, name, { value: "foreign", configurable: true });
      const [one] = decodeEvent('{"name":"mine"}');
      expect(one && "signal" in one ? one.signal.id : null).toBe("mine");
    } finally {
      for (const name of names) Reflect.deleteProperty(Object.prototype, name);
    }
  });

  it("neither throws nor invents on JSON with names such as __proto__", () => {
    fc.assert(
      fc.property(json, (value) => {
        for (const one of decodeSafely(JSON.stringify(value) ?? "")) {
          if ("signal" in one) expect(inventedIn(one.signal, one.body)).toEqual([]);
        }
      }),
    );
  });

  it("neither throws nor invents on records with a changed value", () => {
    fc.assert(
      fc.property(mutated, (record) => {
        for (const one of decodeSafely(JSON.stringify(record))) {
          if ("signal" in one) expect(inventedIn(one.signal, one.body)).toEqual([]);
        }
      }),
      { numRuns: 400 },
    );
  });

  it("parks a cut-off record or decodes one that is whole, at every place of the cut", () => {
    const text = JSON.stringify(eventHubAlert({ Entities: chain() }));
    for (let end = 1; end < text.length; end += 7) {
      expect(decodeSafely(text.slice(0, end)).every((one) => "parked" in one)).toBe(true);
    }
  });
});

/** Processor time of one decoding in microseconds: other processes of the machine do not count. */
function cost(body: Uint8Array): number {
  const before = process.cpuUsage();
  decodeEvent(body);
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

/** How much more the larger body costs: the least of each over some rounds, ended early once it is below `enough`. */
function costRatio(small: Uint8Array, large: Uint8Array, enough: number): number {
  let leastSmall = Number.POSITIVE_INFINITY;
  let leastLarge = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 15; round += 1) {
    // Where both are too fast to measure there is nothing to find.
    leastSmall = Math.min(leastSmall, Math.max(500, cost(small)));
    leastLarge = Math.min(leastLarge, cost(large));
    if (round >= 2 && leastLarge / leastSmall < enough) break;
  }
  return leastLarge / leastSmall;
}

/** One large body of each sort that could cost more than its size. */
const LARGE: readonly (readonly [string, (size: number) => string])[] = [
  [
    "entities",
    (size) =>
      JSON.stringify(
        eventHubAlert({
          Entities: Array.from({ length: size / 100 }, (_, at) => ({
            $id: String(at + 100),
            Name: "p",
            Namespace: { $ref: String(at + 99) },
            Type: "K8s-pod",
            Address: "1.2.3.4",
          })),
        }),
      ),
  ],
  [
    "azure resources",
    (size) =>
      JSON.stringify(
        eventHubAlert({
          AzureResourceId: null,
          ResourceIdentifiers: [],
          Entities: Array.from({ length: size / 150 }, (_, at) => ({
            ResourceId: `/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/s${at}`,
            Type: "azure-resource",
          })),
        }),
      ),
  ],
  [
    "a long text",
    (size) =>
      JSON.stringify(eventHubAlert({ AlertUri: "/location".repeat(size / 9), Intent: ",".repeat(100) })),
  ],
  ["line ends", (size) => `{\n`.repeat(size / 2)],
  ["quotes", (size) => `"`.repeat(size)],
  ["commas", (size) => `[${",".repeat(size)}]`],
  ["brackets", (size) => `[`.repeat(size)],
  [
    "a list in a wrapper",
    (size) =>
      `{"records":[${Array.from({ length: size / 30 }, () => '{"id":"aaaaaaaaaaaaaaaaaaa"}').join(",")}]}`,
  ],
  ["text in text", (size) => JSON.stringify(JSON.stringify({ id: "x", a: "\\".repeat(size / 4) }))],
  [
    "slashes",
    (size) =>
      JSON.stringify(
        eventHubAlert({ AzureResourceId: `/subscriptions/${"a/providers/".repeat(size / 12)}` }),
      ),
  ],
];

describe("the cost of decoding", () => {
  it.each(LARGE)("grows with the size and not with its square for %s", (_name, bodyOf) => {
    const small = Buffer.from(bodyOf(200_000));
    const large = Buffer.from(bodyOf(800_000));
    // Four times the size: a square would be sixteen times the cost.
    expect(costRatio(small, large, 6)).toBeLessThan(8);
  });
});
