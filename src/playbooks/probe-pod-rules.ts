import type { KubernetesReader } from "../model/kubernetes-port.ts";
import type { Verification } from "../model/playbook.ts";
import { AS_NAMESPACE, type PodRule, type PodRuleAction, TRUSTED_PROBE } from "../model/pod-rules.ts";
import { PROBE_REPOSITORY, type Trial, type TriedPod } from "../model/tried-pod.ts";
import { PROBE_CONNECTIONS } from "./probe-images.ts";

const WORD = "reflex-pod-rule: ";
const RETRY_MS = 2_000;

/** A rule in one namespace; null: in all but the platform's. */
export interface RuleSomewhere {
  readonly rule: PodRule;
  readonly namespace: string | null;
}

/**
 * Asks the cluster what it says to a pod that breaks these rules, and to one that breaks none, in each of their namespaces.
 * Proved is what every connection says: denied, or warned of, for each rule by our own word; and nothing of the good one.
 */
export async function probePodRules(
  reader: Pick<KubernetesReader, "tryPods">,
  action: PodRuleAction,
  rules: readonly RuleSomewhere[],
): Promise<Verification> {
  const pods = [
    ...rules.map(({ rule, namespace }) => badPod(rule, namespace)),
    ...[...new Set(rules.map(({ namespace }) => namespace))].map(goodPod),
  ];
  const rows = await reader.tryPods(pods, PROBE_CONNECTIONS);
  if (rows === null) {
    return notYet(
      "The rules are in their list, but whether they are in force could not be tried: the right to create podtemplates in defender-reflex is missing (infra/kubernetes/4-access.yaml).",
    );
  }
  const ignored = rules.filter(({ rule }, at) => rows.some((row) => !isNoticed(row[at], action, rule)));
  if (ignored.length > 0) {
    const by = rows.filter((row) => rules.some(({ rule }, at) => !isNoticed(row[at], action, rule))).length;
    const names = [...new Set(ignored.map(({ rule }) => rule))].join(", ");
    return notYet(
      `Over ${by} of ${PROBE_CONNECTIONS} connections the API server did not ${action === "deny" ? "deny" : "warn of"} a pod by: ${names}.`,
    );
  }
  const wrong = rows.flatMap((row) => row.slice(rules.length).flatMap((trial) => complaint(trial) ?? []));
  const [first] = wrong;
  return first === undefined
    ? { verdict: "holds", proof: "proved" }
    : { verdict: "partial", remains: [`The cluster objects to a pod that breaks no rule as well: ${first}`] };
}

function isNoticed(trial: Trial | undefined, action: PodRuleAction, rule: PodRule): boolean {
  const words =
    trial?.outcome === "denied"
      ? action === "deny"
        ? [trial.words ?? ""]
        : []
      : action === "warn"
        ? (trial?.words ?? [])
        : [];
  return words.some((text) =>
    text.split("; ").some(
      (one) =>
        one.startsWith(WORD) &&
        one
          .slice(WORD.length)
          .split(", ")
          .some((part) => part.startsWith(`${rule} `)),
    ),
  );
}

function complaint(trial: Trial): string | null {
  if (trial.outcome === "denied") {
    return trial.words ?? "it is refused by what is no policy of ours.";
  }
  return trial.words.find((text) => text.startsWith(WORD)) ?? null;
}

const obedient = { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true };
const as = (namespace: string | null) => ({ labels: { [AS_NAMESPACE]: namespace ?? "" } });

function goodPod(namespace: string | null): TriedPod {
  return { ...as(namespace), containers: [{ image: `${TRUSTED_PROBE}:good`, ...obedient }] };
}

/** It breaks that rule and, where Kubernetes lets it, no other. */
function badPod(rule: PodRule, namespace: string | null): TriedPod {
  const image = `${TRUSTED_PROBE}:bad`;
  const one = { image, ...obedient };
  switch (rule) {
    case "privileged":
      // Kubernetes takes none that is privileged and must gain no privileges.
      return { ...as(namespace), containers: [{ image, privileged: true, readOnlyRootFilesystem: true }] };
    case "privilege-escalation":
      return { ...as(namespace), containers: [{ ...one, allowPrivilegeEscalation: true }] };
    case "writable-root":
      return { ...as(namespace), containers: [{ ...one, readOnlyRootFilesystem: false }] };
    case "host-namespaces":
      return { ...as(namespace), hostPID: true, hostIPC: true, hostNetwork: true, containers: [one] };
    case "untrusted-registries":
      return { ...as(namespace), containers: [{ ...one, image: `${PROBE_REPOSITORY}:bad` }] };
  }
}

function notYet(reason: string): Verification {
  return { verdict: "not-yet", reason, retryAfterMs: RETRY_MS };
}
