import { describe, expect, it } from "vitest";
import type { KubernetesOptions } from "../../../local/kubernetes/index.ts";
import { createKubernetes } from "../../../src/clients/kubernetes/index.ts";
import { Permanent, Refused } from "../../../src/model/errors.ts";
import type { OwnerEvent } from "../../../src/model/owner-event.ts";
import { node, pod } from "../../playbooks/cluster-objects.ts";
import { startCluster } from "../../playbooks/start-cluster.ts";

async function writerOf(more: KubernetesOptions = {}) {
  const { cluster } = await startCluster([pod("web-1"), node("n1")], more);
  return {
    cluster,
    writer: createKubernetes({ kubeconfigText: cluster.kubeconfig(), context: null }).writer,
  };
}

function event(more: Partial<OwnerEvent["regarding"]> = {}): OwnerEvent {
  return {
    name: "reflex-a-1-applied",
    regarding: { apiVersion: "v1", kind: "Pod", namespace: "shop", name: "web-1", uid: "u-1", ...more },
    reason: "ReflexApplied",
    note: "defender-reflex acted on an alert",
    isWarning: true,
    at: new Date("2026-03-02T08:00:00.000Z"),
  };
}

describe("an Event beside what was changed", () => {
  it("stands in the object's namespace and names it by uid", async () => {
    const { cluster, writer } = await writerOf();
    await writer.recordEvent(event());
    expect(cluster.readAll("events")).toMatchObject([
      {
        metadata: { namespace: "shop", name: "reflex-a-1-applied" },
        involvedObject: { apiVersion: "v1", kind: "Pod", namespace: "shop", name: "web-1", uid: "u-1" },
        type: "Warning",
        reason: "ReflexApplied",
        message: "defender-reflex acted on an alert",
        firstTimestamp: expect.stringContaining("2026-03-02T08:00:00"),
        source: { component: "defender-reflex" },
      },
    ]);
    expect(cluster.effects).toEqual([]);
  });

  it("of what is in no namespace stands in default", async () => {
    const { cluster, writer } = await writerOf();
    await writer.recordEvent(event({ kind: "Node", namespace: null, name: "n1" }));
    const [stored] = cluster.readAll("events");
    expect(stored).toMatchObject({ metadata: { namespace: "default" } });
    expect(stored?.["involvedObject"]).not.toHaveProperty("namespace");
  });

  it("is one Event, however often it is written", async () => {
    const { cluster, writer } = await writerOf();
    await writer.recordEvent(event());
    await writer.recordEvent(event());
    expect(cluster.readAll("events")).toHaveLength(1);
  });

  it("raises what the server says no to, and sends nothing under a name that is none", async () => {
    const { cluster, writer } = await writerOf();
    cluster.faults.add({ match: { path: "events" }, answer: { kind: "status", status: 403 } });
    await expect(writer.recordEvent(event())).rejects.toThrow(Permanent);
    const before = cluster.requests.length;
    await expect(writer.recordEvent({ ...event(), name: ".." })).rejects.toThrow(Refused);
    await expect(writer.recordEvent(event({ namespace: "" }))).rejects.toThrow(Refused);
    expect(cluster.requests.length).toBe(before);
  });
});
