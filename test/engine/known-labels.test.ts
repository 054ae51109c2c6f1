import { describe, expect, it } from "vitest";
import { Retryable } from "../../src/model/errors.ts";
import { alert, type Bench, bench, configuration } from "./harness.ts";

/** A bench whose rule for pods asks for labels. */
function labelBench(clause: string): Bench {
  const asking = configuration("enforce", (text) =>
    text.replace('key: "K8S.NODE_*" }', `key: "K8S.NODE_*", ${clause} }`),
  );
  return bench({ configuration: asking });
}

describe("a rule that asks for labels", () => {
  it("matches by the labels that the pod of the alert has now", async () => {
    const b = labelBench("labels: { app: web }");
    expect(await b.ingest(alert())).toMatchObject({ recorded: 1 });
    b.world.addPod("db-1", { labels: { app: "db" } });
    expect(await b.ingest(alert({ id: "a-2", pod: "db-1" }))).toMatchObject({ unmatched: 1 });
  });

  it("finds labels inside not, any and all", async () => {
    const b = labelBench("not: { any: [ { labels: { app: web } } ] }");
    expect(await b.ingest(alert())).toMatchObject({ unmatched: 1 });
  });

  it("does not match where the pod has gone or the cluster does not answer, and fails no batch", async () => {
    const b = labelBench("labels: { app: web }");
    expect(await b.ingest(alert({ pod: "gone" }))).toMatchObject({ unmatched: 1 });
    b.world.before = () => Promise.reject(new Retryable("busy", "Wait.", { retryAfterMs: 1 }));
    expect(await b.ingest(alert({ id: "a-2" }))).toMatchObject({ unmatched: 1 });
  });

  it("is the only one for which labels are read", async () => {
    const b = bench();
    const calls: string[] = [];
    b.world.before = async (call) => {
      calls.push(call);
    };
    await b.ingest(alert({ id: "x", key: "DNS_Something" }));
    expect(calls).toEqual([]);
  });
});
