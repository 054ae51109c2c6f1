import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { startEventHubs } from "../../../local/event-hubs/index.ts";
import { startDefender } from "../../../local/start/defender.ts";
import { alert } from "../../engine/harness.ts";

async function started(directory: string) {
  const hubs = await startEventHubs({ hubs: { alerts: { partitions: 2 } }, directory });
  const hub = hubs.hub("alerts");
  const arm = await startDefender(hub);
  const stop = async () => {
    await arm.stop();
    await hubs.close();
  };
  return { hub, arm, stop };
}

describe("Defender in a local start", () => {
  it("knows what arrives in the hub, from the moment of its arrival and after a restart", async () => {
    const directory = await mkdtemp(join(tmpdir(), "reflex-hub-"));
    onTestFinished(() => rm(directory, { recursive: true }));
    const first = await started(directory);
    expect(first.arm.documents.ids()).toEqual([]);
    first.hub.append(undefined, Buffer.from(alert({ id: "a-1" })));
    first.hub.append(undefined, Buffer.from("no JSON"));
    first.hub.append(undefined, Buffer.from(alert({ id: "a-2" })));
    const known = first.arm.documents.ids();
    expect(known.map((id) => id.split("/").at(-1))).toEqual(["a-1", "a-2"]);
    await first.stop();

    const second = await started(directory);
    expect(second.arm.documents.ids().toSorted()).toEqual(known.toSorted());
    second.hub.append(undefined, Buffer.from(alert({ id: "a-3" })));
    expect(second.arm.documents.ids()).toHaveLength(3);
    await second.stop();
  });
});
