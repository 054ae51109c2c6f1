import { afterEach, describe, expect, it } from "vitest";
import { Retryable } from "../../../src/model/errors.ts";
import { type AksBench, aksBench, caught, countedPort } from "./aks-bench.ts";

const MINUTE = 60_000;
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function started(...given: Parameters<typeof aksBench>): Promise<AksBench> {
  const b = await aksBench(...given);
  closers.push(() => b.close());
  return b;
}

const read = (b: AksBench, name?: string) => b.reader(name).pod("shop", "web-1");

describe("a cluster that does not answer", () => {
  it("holds up none of forty others, and a storm waits for it once", async () => {
    const names = Array.from({ length: 40 }, (_none, at) => `c-${at}`);
    const isSilent = (name: string): boolean => names.indexOf(name) % 8 === 0;
    const b = await started({ names, timeoutMs: 3_000 });
    const silent = await countedPort(null);
    closers.push(() => silent.close());
    const nowhere = { server: `https://127.0.0.1:${silent.port}` };
    for (const name of names) b.show({ name, cluster: isSilent(name) ? nowhere : {} });
    // Forty new connections take long on a busy machine, and are not what is asked here.
    await Promise.all(names.filter((name) => !isSilent(name)).map((name) => read(b, name)));

    const ended: string[] = [];
    const all = names.map(async (name) => {
      const outcome = await read(b, name).catch((error: unknown) => error);
      ended.push(name);
      return outcome;
    });
    const outcomes = await Promise.all(all);
    expect(outcomes.filter((outcome) => outcome instanceof Retryable)).toHaveLength(5);
    expect(outcomes.filter((outcome) => outcome instanceof Error)).toHaveLength(5);
    // Everyone who answers has answered before the first of those has been given up.
    expect(ended.slice(0, 35).filter(isSilent)).toEqual([]);

    const tried = silent.connections;
    const asked = b.arm.requests.length;
    const storm = names
      .filter(isSilent)
      .flatMap((name) => Array.from({ length: 20 }, () => caught(read(b, name))));
    for (const error of await Promise.all(storm)) {
      expect(error).toMatchObject({ kind: "retryable", undone: true, retryAfterMs: MINUTE });
    }
    expect([silent.connections, b.arm.requests.length]).toEqual([tried, asked]);
    expect(await read(b, "c-2")).not.toBeNull();
  });

  it("is tried by one call after a minute, by nobody else meanwhile, and by all once it has answered", async () => {
    const b = await started({ timeoutMs: 400 });
    b.show();
    await read(b);
    b.kubernetes.faults.add({ answer: { kind: "hang" } });
    expect(await caught(read(b))).toMatchObject({ kind: "retryable", retryAfterMs: MINUTE });
    const before = b.kubernetes.requests.length;
    b.pass(MINUTE - 1);
    expect(await caught(read(b))).toMatchObject({ kind: "retryable", retryAfterMs: 1 });
    expect(b.kubernetes.requests).toHaveLength(before);

    b.pass(1);
    b.kubernetes.faults.add({ answer: { kind: "hang" } });
    const outcomes = await Promise.all([1, 2, 3].map(() => caught(read(b))));
    expect(outcomes).toMatchObject([{ kind: "retryable" }, { kind: "retryable" }, { kind: "retryable" }]);
    expect(b.kubernetes.requests).toHaveLength(before + 1);

    b.pass(MINUTE);
    expect(await read(b)).not.toBeNull();
    expect(await Promise.all([read(b), read(b)])).toMatchObject([{}, {}]);
  });

  it("is left alone where nobody listens, and is back as soon as a minute later", async () => {
    const b = await started();
    const gone = await countedPort(null);
    await gone.close();
    b.show({ cluster: { server: `https://127.0.0.1:${gone.port}` } });
    expect((await caught(read(b))).message).toMatch(/did not answer \(ECONNREFUSED\)/);
    b.show();
    expect((await caught(read(b))).message).toMatch(/did not answer \(ECONNREFUSED\)/);
    expect(b.looks()).toBe(1);
    // A quarter of an hour later the new address is known as well.
    b.pass(15 * MINUTE);
    expect(await read(b)).not.toBeNull();
  });

  it.each([
    ["a connection that breaks", { kind: "lost-answer" }],
    ["half an answer", { kind: "truncated" }],
    ["an error of its own", { kind: "status", status: 503 }],
    ["too many requests", { kind: "status", status: 429 }],
    ["a login page in between", { kind: "html" }],
  ] as const)("is not one with %s: the next call goes through", async (_, answer) => {
    const b = await started();
    b.show();
    await read(b);
    b.kubernetes.faults.add({ answer });
    expect(await caught(read(b))).toBeInstanceOf(Retryable);
    expect(await read(b)).not.toBeNull();
    expect(b.looks()).toBe(1);
  });

  it("is not waited for through a Resource Manager that is busy: all wait as long as that asks", async () => {
    const b = await started();
    b.show();
    const match = { path: "managedClusters" };
    b.arm.faults.add({ match, answer: { kind: "status", status: 429, headers: { "retry-after": "17" } } });
    const outcomes = await Promise.all([1, 2, 3].map(() => caught(read(b))));
    for (const error of outcomes) expect(error).toMatchObject({ kind: "retryable", retryAfterMs: 17_000 });
    expect(await caught(read(b))).toMatchObject({
      message: expect.stringContaining("429"),
      retryAfterMs: 17_000,
    });
    expect(b.looks()).toBe(1);
    b.pass(17_000);
    expect(await read(b)).not.toBeNull();
  });

  it("is still where it was while Resource Manager does not say, which is asked again after a minute", async () => {
    const b = await started();
    b.show();
    await read(b);
    const match = { path: "managedClusters" };
    b.pass(15 * MINUTE);
    b.arm.faults.add({ match, answer: { kind: "status", status: 503 } });
    for (let more = 0; more < 3; more += 1) expect(await read(b)).not.toBeNull();
    expect(b.looks()).toBe(2);
    b.pass(MINUTE);
    expect(await read(b)).not.toBeNull();
    expect(b.looks()).toBe(3);
    // What it does say counts, and so does the cluster itself: where that turns the app away nothing is assumed.
    b.pass(15 * MINUTE);
    b.show({ properties: { powerState: { code: "Stopped" } } });
    expect((await caught(read(b))).message).toMatch(/is stopped/);
  });

  it("is not assumed to be where it was once it has turned the app away", async () => {
    const b = await started();
    b.show();
    await read(b);
    b.kubernetes.faults.add({ answer: { kind: "status", status: 401 } });
    b.arm.faults.add({ match: { path: "managedClusters" }, answer: { kind: "status", status: 503 } });
    expect((await caught(read(b))).message).toMatch(/Azure answered 503/);
  });
});
