import rhea from "rhea";
import { describe, expect, it } from "vitest";
import { startPosition } from "../../../local/event-hubs/start-position.ts";

const filterName = "apache.org:selector-filter:string";
const filter = (expression: string) => ({
  [filterName]: rhea.types.wrap_described(expression, 0x468c00000004),
});

describe("the selector filter of a link", () => {
  it.each([
    ["amqp.annotation.x-opt-offset > '-1'", { mark: "offset", inclusive: false, value: -1 }],
    ["amqp.annotation.x-opt-offset >= '4096'", { mark: "offset", inclusive: true, value: 4096 }],
    ["amqp.annotation.x-opt-offset > '@latest'", { mark: "offset", inclusive: false, value: "@latest" }],
    ["amqp.annotation.x-opt-sequence-number > '7'", { mark: "sequence-number", inclusive: false, value: 7 }],
    ["amqp.annotation.x-opt-enqueued-time > '99'", { mark: "enqueued-time", inclusive: false, value: 99 }],
  ])("%s is read as a start", (expression, expected) => {
    expect(startPosition(filter(expression))).toEqual(expected);
    expect(startPosition({ [filterName]: expression })).toEqual(expected);
  });

  it("that is absent means the beginning", () => {
    expect(startPosition(undefined)).toEqual({ mark: "offset", inclusive: false, value: -1 });
    expect(startPosition({})).toEqual({ mark: "offset", inclusive: false, value: -1 });
  });

  it.each([
    "amqp.annotation.x-opt-offset < '3'",
    "color = 'red'",
    "",
    "amqp.annotation.x-opt-offset > 'abc'",
  ])("'%s' is not understood", (expression) => {
    expect(startPosition(filter(expression))).toBeUndefined();
  });
});
