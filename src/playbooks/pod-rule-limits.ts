import type { KubernetesReader } from "../model/kubernetes-port.ts";
import type { PodRuleAction } from "../model/pod-rules.ts";
import { brokenRules } from "./broken-rules.ts";
import { CountedOwners } from "./counted-owners.ts";
import { isPlatformNamespace } from "./platform-namespaces.ts";
import { PROBE_CONNECTIONS } from "./probe-images.ts";
import type { RuleSomewhere } from "./probe-pod-rules.ts";

/** What the plan says beside its steps: who breaks the rules by now, what else is about them, what they do not cover. */
export async function podRuleLimits(
  reader: KubernetesReader,
  of: {
    readonly entries: readonly RuleSomewhere[];
    readonly action: PodRuleAction;
    readonly trusted: readonly string[];
  },
): Promise<readonly string[]> {
  const owners = new CountedOwners();
  const whole = await reader.eachPod((pod) => {
    if (pod.isOver || isPlatformNamespace(pod.namespace)) return;
    const here = of.entries.filter(({ namespace }) => namespace === null || namespace === pod.namespace);
    const broken = brokenRules(
      pod,
      here.map(({ rule }) => rule),
      of.trusted,
    );
    if (broken.length > 0) owners.add(pod.namespace, pod.owner);
  });
  const next =
    of.action === "deny" ? "would be refused when started again" : "would be warned of when started again";
  return [
    ...owners.sentences(`runs against the rules and ${next}`, `run against the rules and ${next}`),
    ...(whole ? [] : ["Only the first 10,000 pods were looked at: others may break the rules too."]),
    ...(await gatekeeper(reader)),
    "Pods that run already, and namespaces of the platform, are not touched.",
    `Proved is what the API server says over ${PROBE_CONNECTIONS} connections; one that none of these reaches may learn of it a moment later.`,
  ];
}

/** Azure's own Gatekeeper comes with Azure's deployment in kube-system; without that it is somebody's own. */
async function gatekeeper(reader: KubernetesReader): Promise<readonly string[]> {
  const [namespace, azure] = await Promise.all([
    reader.namespace("gatekeeper-system"),
    reader.workload("Deployment", "kube-system", "azure-policy"),
  ]);
  if (namespace === null) return [];
  return [
    azure === null
      ? "The cluster has a Gatekeeper of its own, whose constraints hold beside these rules and are not looked at."
      : "Azure Policy is installed in the cluster: its constraints hold beside these rules and are not looked at.",
  ];
}
