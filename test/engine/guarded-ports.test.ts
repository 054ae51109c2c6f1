import { describe, expect, it } from "vitest";
import { guardedPorts } from "../../src/engine/guarded-ports.ts";
import type { Namespace, Pod } from "../../src/model/kubernetes-objects.ts";
import type { Remediation } from "../../src/model/remediation.ts";
import { alert, bench, configuration } from "./harness.ts";

const plain: Namespace = { name: "bank", uid: "u", labels: {}, annotations: {} };

/** What a playbook is told of a pod of the namespace bank, in a run whose target is shop/web-1. */
async function told(
  pod: Partial<Pod>,
  more: { around?: Partial<Namespace>; config?: string; rule?: Partial<Remediation["rule"]> } = {},
): Promise<string | null> {
  const { config = "" } = more;
  const b = bench({ configuration: configuration("observe", (text) => `${text}\n${config}`) });
  await b.ingest(alert());
  const [record] = b.records();
  if (record === undefined) throw new Error("nothing is on record");
  const { read } = guardedPorts(b.engine, { ...record, rule: { ...record.rule, ...more.rule } });
  const beside = b.world.addPod("ledger-1", { namespace: "bank", ...pod });
  return (await read.protects?.(beside, { ...plain, name: beside.namespace, ...more.around })) ?? null;
}

describe("what the guard says of a pod beside the target", () => {
  it("is nothing where nobody protects it", async () => {
    expect(await told({})).toBeNull();
  });

  it.each<[string, Parameters<typeof told>, string]>([
    ["a namespace of the platform", [{ namespace: "kube-system" }], "is protected"],
    ["a namespace of the operator's", [{}, { config: "protected: { namespaces: [bank] }" }], "is protected"],
    ["a pod that opted out", [{ annotations: { "defender-reflex.dev/protected": "yes" } }], "opted out"],
    [
      "a namespace that opted out",
      [{}, { around: { labels: { "defender-reflex.dev/protected": "" } } }],
      "opted out",
    ],
    ["a pod that the node stands on", [{ priorityClass: "system-node-critical" }], "priority class"],
    ["Defender's own sensor", [{ labels: { app: "microsoft-defender-collector" } }], "sensor"],
    [
      "what the scope denies",
      [{ labels: { app: "db" } }, { config: "scope: { deny: [ { labels: { app: db } } ] }" }],
      "the scope denies it",
    ],
    [
      "what the scope does not allow",
      [{}, { config: "scope: { allow: [ { namespace: shop } ] }" }],
      "does not allow",
    ],
    [
      "what the rule's own scope denies",
      [{}, { rule: { scope: { allow: [], deny: [{ namespace: "bank" }] } } }],
      "the rule's scope denies it",
    ],
    [
      "what somebody answers for leaving alone",
      [
        {},
        {
          config:
            'exceptions: [ { name: audit, owner: ann@e.com, reason: audited, until: 2026-12-31, key: "K8S.*", where: { namespace: bank } } ]',
        },
      ],
      "exception audit",
    ],
  ])("is a reason to leave it alone: %s", async (_what, asked, reason) => {
    expect(await told(...asked)).toContain(reason);
  });
});
