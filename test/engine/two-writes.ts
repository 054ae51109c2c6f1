import { z } from "zod";
import { type AnyPlaybook, playbook } from "../../src/model/playbook.ts";
import { type Configuration, parseConfiguration } from "../../src/rules/index.ts";
import { ROOMY } from "./fixtures.ts";
import { type Bench, bench } from "./harness.ts";
import { podOf } from "./quarantine.ts";
import { CLUSTER } from "./world.ts";

const LABELS = ["first", "second"] as const;

/** A playbook of two writes: two labels on one pod, each a write of its own; `kind` says what half of it is worth. */
export function twoLabels(kind: "containment" | "remediation" = "remediation"): AnyPlaybook {
  return playbook({
    name: "two-labels",
    title: "Label a pod twice",
    kind,
    target: "pod",
    parameters: z.strictObject({}),
    permissions: { kubernetes: [], arm: [] },
    impact: "nothing",
    highImpact: false,
    reversible: true,
    destroysEvidence: false,

    async plan({ target, remediationId }, { read }) {
      const pod = await read.kubernetes(target.cluster).pod(target.namespace, target.name);
      if (pod === null) return { outcome: "skip", reason: "the pod has gone" };
      const steps = LABELS.map((label) => ({
        sentence: `label ${label}`,
        touches: [`pod/${target.name}#${label}`],
        before: null,
        after: remediationId,
      }));
      const draft = { identity: pod.uid, steps, impact: "nothing", limits: [], data: null };
      return { outcome: "change", draft };
    },

    async apply(plan, { read, write }) {
      const { cluster, namespace, name } = podOf(plan);
      for (const label of LABELS) {
        const pod = await read.kubernetes(cluster).pod(namespace, name);
        if (pod === null || pod.labels[label] !== undefined) continue;
        await write.kubernetes(cluster).labelPod(namespace, name, pod, { [label]: "yes" });
      }
    },

    async verify(plan, { read }) {
      const { cluster, namespace, name } = podOf(plan);
      const pod = await read.kubernetes(cluster).pod(namespace, name);
      const missing = LABELS.filter((label) => pod?.labels[label] !== "yes");
      if (missing.length === LABELS.length) return { verdict: "absent", reason: "both labels are missing" };
      return missing.length === 0
        ? { verdict: "holds", proof: "proved" }
        : { verdict: "partial", remains: missing.map((label) => `label ${label} is missing`) };
    },

    async revert(plan, { read, write }) {
      const { cluster, namespace, name } = podOf(plan);
      for (const label of LABELS) {
        const pod = await read.kubernetes(cluster).pod(namespace, name);
        if (pod === null || pod.uid !== plan.identity) return { outcome: "gone", reason: "the pod has gone" };
        if (pod.labels[label] === undefined) continue;
        await write.kubernetes(cluster).labelPod(namespace, name, pod, { [label]: null });
      }
      return { outcome: "restored" };
    },
  });
}

/** A configuration with one rule that runs the playbook of two writes; `more` goes into the rule, `above` before it. */
export function twoWriteRules(more = "", above = ""): Configuration {
  const text = `
mode: enforce
clusters: [ { name: prod, id: ${CLUSTER}, connect: { kubeconfig: none } } ]
channels: [ { name: security, kind: teams, urlSetting: TEAMS } ]
${above}
rules:
  - name: miners
    when: { kind: alert, key: "K8S.NODE_*" }
    playbooks: [ { name: two-labels, ttl: 8h } ]
    mode: enforce
    notify: [security]
${more}`;
  const parsed = parseConfiguration(text, "test.yaml", [twoLabels()]);
  if ("errors" in parsed) throw new Error(parsed.errors.map((e) => `${e.line}: ${e.message}`).join("\n"));
  return { ...parsed.configuration, budgets: ROOMY };
}

/** A bench of two writes whose configuration may be exchanged; `between` happens after the first write. */
export function twoWriteBench(
  between: (b: Bench) => void | Promise<void>,
  more: { readonly kind?: "containment" | "remediation"; readonly configuration?: Configuration } = {},
): Bench {
  const b = bench({
    configuration: more.configuration ?? twoWriteRules(),
    engine: { playbooks: new Map([["two-labels", twoLabels(more.kind)]]) },
  });
  let writes = 0;
  b.world.after = async (call) => {
    if (call.startsWith("label") && ++writes === 1) await between(b);
  };
  return b;
}

/** The labels that the playbook has written so far. */
export function written(b: Bench): string[] {
  return LABELS.filter((label) => b.world.labelsOf("web-1")[label] !== undefined);
}
