import { describe, expect, it } from "vitest";
import { notify } from "../../src/playbooks/notify.ts";

const target = { kind: "alert", id: "2517" } as const;
const ports = {
  read: {
    kubernetes() {
      throw new Error("notify asks no cluster");
    },
  },
};

describe("telling people", () => {
  it("plans no step, since the messages go to the channels of the rule", async () => {
    const plan = await notify.plan({ target, parameters: {}, remediationId: "a-1" }, ports);
    expect(plan).toMatchObject({ outcome: "change", draft: { steps: [], data: null } });
  });

  it("takes no parameter and no other kind of target", async () => {
    const misspelt = { target, parameters: { channel: "soc" }, remediationId: "a-1" };
    await expect(async () => notify.plan(misspelt, ports)).rejects.toThrow(/channel/);
    const pod = { kind: "pod", cluster: "c", namespace: "n", name: "p" } as const;
    await expect(async () =>
      notify.plan({ target: pod, parameters: {}, remediationId: "a-1" }, ports),
    ).rejects.toThrow(/wants a alert|wants an alert/);
  });
});
