import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { decodeEvent } from "../../src/signals/index.ts";
import { inventedIn, signalOf } from "./alert-builder.ts";

const FIXTURES = new URL("../fixtures/signals/", import.meta.url);

function read(name: string): string {
  return readFileSync(new URL(name, FIXTURES), "utf8");
}

/** Body file and the file that says what it means; several bodies may mean the same. */
const GOLDEN: readonly (readonly [string, string])[] = [
  ["orders-pod.eventhub", "orders-pod"],
  ["orders-pod.arm", "orders-pod"],
  ["orders-pod.log-analytics", "orders-pod"],
  ["running-image", "running-image"],
  ["image-finding.camel", "image-finding"],
  ["image-finding.pascal", "image-finding"],
  ["secure-score", "secure-score"],
  ["secure-score-control", "secure-score-control"],
  ["regulatory-compliance", "regulatory-compliance"],
  ["attack-path", "attack-path"],
  ["activity-log-alert", "activity-log-alert"],
  ["unknown", "unknown"],
];

describe("decodeEvent on records of every kind", () => {
  for (const [body, meaning] of GOLDEN) {
    it(`reads ${body} as ${meaning}.expected.json says`, () => {
      const expected: unknown = JSON.parse(read(`${meaning}.expected.json`));
      expect(signalOf(read(`${body}.json`))).toEqual(expected);
    });

    it(`invents nothing in ${body}`, () => {
      const text = read(`${body}.json`);
      expect(inventedIn(signalOf(text), JSON.parse(text))).toEqual([]);
    });
  }

  it("hands over the record itself as the body", () => {
    const text = read("running-image.json");
    expect(decodeEvent(text)).toMatchObject([{ body: JSON.parse(text) }]);
  });

  it("takes bytes, text and a parsed value alike", () => {
    const text = read("orders-pod.eventhub.json");
    const fromText = decodeEvent(text);
    expect(decodeEvent(Buffer.from(text))).toEqual(fromText);
    expect(decodeEvent(JSON.parse(text))).toEqual(fromText);
  });
});
