import { describe, expect, it } from "vitest";
import { OPT_OUT } from "../../src/engine/guard.ts";
import { reject } from "../../src/engine/reject.ts";
import { retry } from "../../src/engine/retry.ts";
import { revert } from "../../src/engine/revert.ts";
import { Conflict, Permanent, Refused, Retryable } from "../../src/model/errors.ts";
import { ANN, asking, BOB, latest } from "./deciding.ts";
import { alert, type Bench, bench, configuration } from "./harness.ts";
import { sweepAfter } from "./processes.ts";

/** A containment that ann took back, so that its cooldown runs. */
async function takenBack(): Promise<Bench> {
  const b = bench();
  await b.ingest(alert());
  await revert(b.engine, latest(b).id, ANN);
  b.clock.pass(1_000);
  return b;
}

describe("a retry", () => {
  it("begins anew what a person took back, within its cooldown, with who and why on record", async () => {
    const b = await takenBack();
    const first = latest(b).id;
    await b.ingest(alert({ id: "a-2" }));
    expect(b.records()).toHaveLength(1);
    const begun = await retry(b.engine, first, BOB);
    expect(begun).toMatchObject({ state: "in-force", requestedBy: BOB, playbook: "quarantine" });
    expect(begun.id).not.toBe(first);
    expect(b.world.labelsOf("web-1")).toMatchObject({ quarantine: begun.id });
    expect(b.broken()).toEqual([]);
  });

  it("is one however often it is asked", async () => {
    const b = await takenBack();
    const first = latest(b).id;
    const begun = await retry(b.engine, first, BOB);
    expect(await retry(b.engine, first, BOB)).toMatchObject({ id: begun.id });
    expect(b.records()).toHaveLength(2);
    expect(b.world.effects).toHaveLength(3);
  });

  it("asks again where the rule asks", async () => {
    const b = await asking();
    await reject(b.engine, latest(b).id, ANN);
    b.clock.pass(1_000);
    expect(await retry(b.engine, latest(b).id, BOB)).toMatchObject({ state: "awaiting-approval" });
    expect(b.world.effects).toEqual([]);
  });

  it("follows what failed, once its cause is gone", async () => {
    const b = bench();
    b.world.before = (call) =>
      call.startsWith("label")
        ? Promise.reject(new Permanent("403 Forbidden", "Grant it."))
        : Promise.resolve();
    await b.ingest(alert());
    const failed = latest(b);
    expect(failed).toMatchObject({ state: "failed" });
    b.world.before = () => Promise.resolve();
    b.clock.pass(1_000);
    expect(await retry(b.engine, failed.id, BOB)).toMatchObject({ state: "in-force" });
  });

  it("that a person rejects before anybody has planned it is over, though an alert joined it meanwhile", async () => {
    const b = await takenBack();
    b.world.before = () => Promise.reject(new Retryable("503", "Wait.", { retryAfterMs: 60_000 }));
    await retry(b.engine, latest(b).id, BOB);
    expect(latest(b)).toMatchObject({ state: "pending", identity: null });
    // Whoever joins sees the object; who then drives does not reach the cluster.
    const isNoted = (): boolean =>
      b.table.snapshot().some(({ cells }) => /"newerIdentity":"uid-/.test(String(cells["entries"])));
    const busy = (): Promise<never> =>
      Promise.reject(new Retryable("503", "Wait.", { retryAfterMs: 60_000 }));
    b.world.before = () => (isNoted() ? busy() : Promise.resolve());
    await b.ingest(alert({ id: "a-3" }));
    expect(isNoted()).toBe(true);
    b.world.before = () => Promise.resolve();
    expect(await reject(b.engine, latest(b).id, ANN)).toMatchObject({ state: "rejected" });
    await sweepAfter(b, 2, 2);
    expect(
      b
        .records()
        .map(({ state }) => state)
        .toSorted(),
    ).toEqual(["rejected", "reverted"]);
    expect(b.world.labelsOf("web-1")).toEqual({ app: "web" });
    expect(b.broken()).toEqual([]);
  });

  it("opens no door: what protects the target now refuses it", async () => {
    const b = await takenBack();
    b.world.change("web-1", { annotations: { [OPT_OUT]: "true" } });
    expect(await retry(b.engine, latest(b).id, BOB)).toMatchObject({ state: "refused" });
    expect(b.world.labelsOf("web-1")).toEqual({ app: "web" });
  });

  it("stays under the ceiling", async () => {
    const b = await takenBack();
    const engine = {
      ...b.engine,
      configuration: configuration("enforce", (text) =>
        text.replace("mode: enforce\nclusters", "mode: observe\nclusters"),
      ),
    };
    expect(await retry(engine, latest(b).id, BOB)).toMatchObject({ state: "observed" });
    expect(b.world.labelsOf("web-1")).toEqual({ app: "web" });
  });

  it("is refused while it is open, and once another has followed", async () => {
    const b = bench();
    await b.ingest(alert());
    const first = latest(b).id;
    await expect(retry(b.engine, first, BOB)).rejects.toThrow(Conflict);
    await sweepAfter(b, 8 * 60);
    await b.ingest(alert({ id: "a-2", at: b.clock.now().toISOString() }));
    expect(b.records()).toHaveLength(2);
    await expect(retry(b.engine, first, BOB)).rejects.toThrow(/in-force/);
  });

  it("is refused for what was done", async () => {
    const b = bench();
    await b.ingest(alert({ key: "VM_Miner" }));
    expect(latest(b)).toMatchObject({ state: "done" });
    await expect(retry(b.engine, latest(b).id, BOB)).rejects.toThrow(Refused);
  });
});
