import { surelyMatches } from "../src/engine/scope.ts";
import { signalTime } from "../src/engine/signal-identity.ts";
import { clusterIds, mainClusterId } from "../src/model/main-cluster.ts";
import { lowestMode, type Mode } from "../src/model/mode.ts";
import { modeAt } from "../src/model/mode-at.ts";
import { namedHost } from "../src/model/named-host.ts";
import type { AnyPlaybook } from "../src/model/playbook.ts";
import type { Decision } from "../src/model/rule.ts";
import type { Signal } from "../src/model/signal.ts";
import type { TargetKind } from "../src/model/target.ts";
import { type Configuration, decide, exceptionFor } from "../src/rules/index.ts";

/** What the rules want about a signal at one moment, as far as it follows from the signal and the file alone. */
export interface Replayed {
  readonly rule: string;
  readonly playbook: string;
  /** Under ceiling and windows, and lowered where the signal is a sample, a snapshot or too old. */
  readonly mode: Mode;
  /** As the signal names it; null where it names none. */
  readonly target: string | null;
  /** ARM ids; null: the target is in no cluster, or in none that is known. */
  readonly clusters: readonly string[] | null;
  readonly ttlMs: number | null;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly notify: readonly string[];
  /** Why the mode is lower than the rule's, and which exception may leave it alone; one sentence each. */
  readonly because: readonly string[];
}

/** The moment for which a signal is replayed: the given one, else its own; null where it tells none. */
export function momentOf(signal: Signal, at: Date | null): Date | null {
  const own = signalTime(signal);
  return at ?? (own === null ? null : new Date(own));
}

/** Decides a signal again, with the playbooks of this version by name. Pure: the same question has the same answer. */
export function replaySignal(
  signal: Signal,
  configuration: Configuration,
  playbooks: ReadonlyMap<string, Pick<AnyPlaybook, "kind" | "target">>,
  at: Date | null,
): readonly Replayed[] {
  const moment = momentOf(signal, at) ?? new Date(Number.NaN);
  return decide(signal, configuration).map((decision) => {
    const { playbook, rule } = decision;
    const { kind, target } = playbooks.get(playbook) ?? NOTICE;
    const own = lowestMode(modeAt(rule, moment), configuration.ceiling);
    // What only tells people is told whatever the signal is.
    const lowered = kind === "notification" ? [] : loweredBecause(signal, decision, moment);
    const exception = exceptionOf(signal, decision, configuration, moment);
    return {
      rule: rule.name,
      playbook,
      mode: lowestMode(own, ...lowered.map(({ mode }) => mode)),
      target: targetOf(signal, target),
      clusters: target === "alert" ? null : (decision.clusters ?? ownCluster(signal, configuration)),
      ttlMs: rule.ttlMs,
      parameters: rule.parameters,
      notify: rule.notify,
      because: [...lowered.map(({ why }) => why), ...(exception === null ? [] : [exception])],
    };
  });
}

const NOTICE = { kind: "notification", target: "alert" } as const;

function loweredBecause(signal: Signal, { rule }: Decision, moment: Date): { mode: Mode; why: string }[] {
  const lowered: { mode: Mode; why: string }[] = [];
  if (signal.isSample) lowered.push({ mode: "observe", why: "it is a sample" });
  else if (signal.isSnapshot) lowered.push({ mode: "observe", why: "it is from a weekly snapshot" });
  const mode: Mode = rule.whenOld === "approve" ? "approve" : "observe";
  const at = signalTime(signal);
  if (at === null) lowered.push({ mode, why: "it does not say when it was, so it counts as too old" });
  else if (!(moment.getTime() - new Date(at).getTime() <= rule.maxAgeMs)) {
    lowered.push({ mode, why: "it is older than the rule allows" });
  }
  return lowered;
}

/** Of the target only what the signal names is known; an exception for its labels or tags cannot be told to hold. */
function exceptionOf(
  signal: Signal,
  { rule, playbook }: Decision,
  { exceptions, clusters }: Configuration,
  moment: Date,
): string | null {
  const [resource = signal.resourceIds[0] ?? null, ...aliases] =
    signal.cluster === null ? [] : clusterIds(clusters, signal.cluster.resourceId);
  const facts = {
    resource,
    aliases,
    namespace: signal.namespace,
    labels: null,
    namespaceLabels: null,
    tags: null,
    managementGroups: null,
  };
  const of = { rule: rule.name, playbook, key: signal.key };
  const found = exceptionFor(exceptions, of, (entry) => surelyMatches(entry, facts), moment);
  return found === null ? null : `exception ${found.name} of ${found.owner} until ${found.until}`;
}

function ownCluster({ cluster }: Signal, { clusters }: Configuration): readonly string[] | null {
  return cluster === null ? null : [mainClusterId(clusters, cluster.resourceId)];
}

function targetOf(signal: Signal, kind: TargetKind): string | null {
  const { namespace, workload, image, digest, cluster, object } = signal;
  const inNamespace = (name: string) => `${namespace ?? "?"}/${name}`;
  const pod = signal.pod === null ? null : `pod ${inNamespace(signal.pod)}`;
  const ofPod = (what: string) => (pod === null ? null : `${what} of ${pod}`);
  switch (kind) {
    case "alert":
      return `alert ${signal.id}`;
    case "pod":
      return pod;
    case "workload":
      return workload === null ? ofPod("workload") : `${workload.kind} ${inNamespace(workload.name)}`;
    case "namespace":
      return namespace === null ? null : `namespace ${namespace}`;
    case "image": {
      const named = image ?? digest;
      return named === null ? ofPod("image") : `image ${named}`;
    }
    case "cluster":
      return cluster === null ? null : "cluster";
    case "service-account":
      return signal.serviceAccount === null
        ? ofPod("service account")
        : `service account ${signal.serviceAccount}`;
    case "webhook":
      return ofObject(object, /WebhookConfiguration$/);
    case "service":
      return ofObject(object, /^Service$/);
    case "role-binding":
      return ofObject(object, /Binding$/);
    case "node": {
      const host = namedHost(signal);
      return ofPod("node") ?? (host === null ? null : `node ${host.name}`);
    }
  }
}

function ofObject(object: Signal["object"], kind: RegExp): string | null {
  if (object === null || !kind.test(object.kind)) return null;
  return `${object.kind} ${[object.namespace, object.name].filter((part) => part !== null).join("/")}`;
}
