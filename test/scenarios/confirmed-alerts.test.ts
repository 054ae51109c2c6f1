import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ArmStandIn } from "../../local/arm/index.ts";
import type { Remediation } from "../../src/model/remediation.ts";
import { alert } from "../engine/harness.ts";
import { ISOLATES, KillableApp } from "./killed-app.ts";

type FaultOf = Parameters<ArmStandIn["faults"]["add"]>[0]["answer"];

describe("the built app, asking Defender over the wire", () => {
  let app: KillableApp;
  let used = 0;

  beforeAll(async () => {
    app = await KillableApp.start(ISOLATES);
    app.kubernetes.seed(
      Array.from({ length: 12 }, (_none, index) => ({
        apiVersion: "v1",
        kind: "Pod",
        metadata: {
          name: `web-${index}`,
          namespace: `shop-${index}`,
          labels: { app: `web-${index}` },
          creationTimestamp: "2026-01-01T00:00:00Z",
        },
        spec: { nodeName: "n1", containers: [{ name: "c", image: "registry.example/web:1" }] },
        status: { phase: "Running" },
      })),
    );
    app.kubernetes.seed(
      Array.from({ length: 12 }, (_none, index) => ({
        apiVersion: "v1",
        kind: "Namespace",
        metadata: { name: `shop-${index}`, creationTimestamp: "2026-01-01T00:00:00Z" },
      })),
    );
  }, 120_000);
  afterAll(() => app.stop());

  /** Sends an alert about a pod of its own, once Defender is as `prepare` makes it. */
  async function send(prepare: (id: string) => void = () => {}): Promise<string> {
    const number = used++;
    const id = `alert-${number}`;
    const at = new Date(app.now().getTime() - 60_000).toISOString();
    const body = alert({ id, pod: `web-${number}`, namespace: `shop-${number}`, at });
    app.arm.documents.learn(body);
    prepare(app.arm.documents.ids().find((one) => one.endsWith(id)) ?? "");
    await app.publish([body]);
    return id;
  }

  async function settled(id: string): Promise<Remediation> {
    let found: Remediation | undefined;
    await expect
      .poll(
        async () => {
          await app.sweep();
          found = (await app.remediations()).find(({ signal }) => signal.id === id);
          return found?.state;
        },
        { timeout: 25_000, interval: 200 },
      )
      .toMatch(/in-force|awaiting-approval/);
    if (found === undefined) throw new Error("it was there");
    return found;
  }

  it("acts upon what Defender confirms, with one question and the app's own identity", async () => {
    const id = await send();
    expect(await settled(id)).toMatchObject({ state: "in-force" });
    expect(app.arm.requests.filter(({ path }) => path.endsWith(id))).toMatchObject([{ status: 200 }]);
    expect(app.arm.tokens).toBe(1);
  });

  it("asks a person, and changes nothing, where Defender does not know it for a minute", async () => {
    const before = app.kubernetes.effects.length;
    const id = await send((one) => app.arm.documents.forget(one));
    expect(await settled(id)).toMatchObject({
      state: "awaiting-approval",
      reason: "Defender does not know this alert",
    });
    expect(app.kubernetes.effects.length).toBe(before);
  });

  it("asks a person, and changes nothing, where it was dismissed meanwhile", async () => {
    const before = app.kubernetes.effects.length;
    const id = await send((one) => app.arm.documents.change(one, { status: "Dismissed" }));
    expect(await settled(id)).toMatchObject({
      state: "awaiting-approval",
      reason: expect.stringContaining("Dismissed"),
    });
    expect(app.kubernetes.effects.length).toBe(before);
  });

  it.each<readonly [string, FaultOf, RegExp]>([
    ["is forbidden", { kind: "status", status: 403 }, /403.*Grant/],
    ["throttles", { kind: "status", status: 429, headers: { "retry-after": "60" } }, /429/],
    ["is down", { kind: "status", status: 503 }, /503/],
    ["is a login page", { kind: "html" }, /not Azure Resource Manager/],
    ["breaks off", { kind: "truncated" }, /did not answer/],
    ["hangs", { kind: "hang" }, /longer than 3000 ms/],
  ])("asks a person, and changes nothing, where Resource Manager %s", async (_how, answer, reason) => {
    const [before, tokens] = [app.kubernetes.effects.length, app.arm.tokens];
    const id = await send((one) =>
      app.arm.faults.add({ match: { path: one.split("/").at(-1) ?? "" }, answer }),
    );
    expect(await settled(id)).toMatchObject({
      state: "awaiting-approval",
      reason: expect.stringMatching(reason),
    });
    expect([app.kubernetes.effects.length, app.arm.tokens]).toEqual([before, tokens]);
  });
});
