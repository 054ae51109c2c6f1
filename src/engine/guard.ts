import { armSegments } from "../model/arm-id.ts";
import { isControlPlane } from "../model/control-plane.ts";
import { lowestMode, MODES, type Mode } from "../model/mode.ts";
import { highestMode, modeAt } from "../model/mode-at.ts";
import type { AnyPlaybook } from "../model/playbook.ts";
import type { Remediation } from "../model/remediation.ts";
import type { Exception, Scope } from "../model/rule.ts";
import { isProtectedNamespace } from "./protected-namespaces.ts";
import { denied, outside } from "./scope.ts";
import type { TargetFacts } from "./target-facts.ts";

/** How far something may go. `lowered`: why not as far as was asked. `quiet`: the rule wants nobody told of it. */
export interface GuardMode {
  readonly mode: Mode;
  readonly lowered: string | null;
  readonly quiet?: true;
}

/** What the guard says: how far this may go, that it is left alone, or no. */
export type GuardVerdict =
  | ({ readonly verdict: "go" } & GuardMode)
  | { readonly verdict: "skip"; readonly reason: string }
  | { readonly verdict: "refuse"; readonly reason: string };

/** What protects a target, also from being taken back. */
export interface ProtectionQuestion {
  readonly record: Pick<Remediation, "signal" | "rule" | "clusterByRule">;
  readonly facts: TargetFacts;
  readonly scope: Scope;
  readonly protectedNamespaces: readonly string[];
}

/** What the guard knows besides the facts. */
export interface GuardQuestion extends ProtectionQuestion {
  readonly record: Pick<Remediation, "mode" | "signal" | "rule" | "clusterByRule" | "approval" | "createdAt">;
  readonly playbook: Pick<AnyPlaybook, "kind" | "reversible" | "name" | "highImpact" | "needsApproval">;
  readonly ceiling: Mode;
  /** What somebody answers for leaving alone, if it covers this. */
  readonly exception: Exception | null;
  /** Why the rule only observes since it failed too often; null: it is not tripped. */
  readonly tripped: string | null;
  /** A person asked for this run. */
  readonly byPerson: boolean;
  /** Something was written already: what only casts doubt on beginning it does not stop it half-way. */
  readonly touched: boolean;
  readonly now: Date;
  /** Episodes of this playbook on this target in the last day, the present one included. */
  readonly episodes: number;
}

/** Label or annotation by which an owner opts out; any value but `false` protects. */
export const OPT_OUT = "defender-reflex.dev/protected";

/** So many episodes of one playbook on one target in a day go without a person. */
export const EPISODES_UNATTENDED = 2;
const CRITICAL: readonly (string | null)[] = ["system-node-critical", "system-cluster-critical"];

/**
 * Asked before the claim, and again on the re-read object before each write. Deny wins; a check that cannot be made is
 * a no; doubt lowers the mode (house rules 5.4, engine design). A person's approval of the plan answers all doubts and
 * the rule's modes, but nothing that protects, no ceiling below `approve`, no exception, and no sample.
 */
export function guard(question: GuardQuestion): GuardVerdict {
  const reason =
    protectedBecause(question) ??
    outOfScope(question) ??
    foreignSubscription(question) ??
    anotherObject(question);
  if (reason !== null) return { verdict: "refuse", reason };
  if (question.exception !== null) return { verdict: "skip", reason: exceptedBy(question.exception) };
  return { verdict: "go", ...modeNow(question) };
}

/**
 * The half that also holds when something is taken back: what is protected or denied by now is not touched at all.
 * Modes, exceptions and what merely is not allowed any more keep nobody from undoing. Null: it may be taken back.
 */
export function protection(question: ProtectionQuestion): string | null {
  const { scope, facts, record } = question;
  return (
    protectedBecause(question) ??
    denied(scope, facts) ??
    denied(record.rule.scope, facts, "the rule's scope") ??
    foreignSubscription(question)
  );
}

/** What the guard says of something that is touched beside the target. Null: it may be touched. */
export function protectionBeside(question: ProtectionQuestion): string | null {
  return protectedBecause(question) ?? outOfScope(question);
}

/** What somebody answers for leaving alone, as a sentence. */
export function exceptedBy({ name, owner, reason, until }: Exception): string {
  return `the exception ${name} of ${owner} leaves it alone until ${until}: ${reason}`;
}

function protectedBecause({ facts, protectedNamespaces }: ProtectionQuestion): string | null {
  const { namespace, resource, aliases = [] } = facts;
  const ids = [resource ?? "", ...aliases];
  if (namespace !== null && ids.some((id) => isProtectedNamespace(namespace, id, protectedNamespaces))) {
    return `namespace ${namespace === "" ? "(unknown)" : namespace} is protected`;
  }
  const concerned = facts.concerned?.find((one) =>
    ids.some((id) => isProtectedNamespace(one, id, protectedNamespaces)),
  );
  if (concerned !== undefined) return `namespace ${concerned}, which it concerns, is protected`;
  if (facts.name.startsWith("system:")) return `${facts.name} belongs to the system`;
  if (CRITICAL.includes(facts.priorityClass)) {
    return `its priority class is ${facts.priorityClass}`;
  }
  // Only nodes have labels and no namespace: on a pod, that label is nobody's word.
  if (namespace === null && isControlPlane(facts.labels ?? {})) {
    return `node ${facts.name} runs the control plane`;
  }
  // An attacker wants the sensor gone: an alert about it is for people.
  if (facts.labels?.["app"]?.startsWith("microsoft-defender")) return "it is the Defender sensor";
  const optedOut = [facts.labels, facts.annotations, facts.namespaceLabels, facts.namespaceAnnotations].some(
    (map) => map !== null && Object.hasOwn(map, OPT_OUT) && map[OPT_OUT] !== "false",
  );
  return optedOut ? `its owner opted out (${OPT_OUT})` : null;
}

function outOfScope({ facts, scope, record }: ProtectionQuestion): string | null {
  return outside(scope, facts) ?? outside(record.rule.scope, facts, "the rule's scope");
}

function foreignSubscription({ record, facts }: ProtectionQuestion): string | null {
  if (record.signal.kind === "manual" || record.clusterByRule) return null;
  const own = [facts.resource ?? "", ...(facts.aliases ?? [])].flatMap((id) => armSegments(id)[1] ?? []);
  return own.includes(record.signal.subscriptionId?.toLowerCase() ?? "")
    ? null
    : "the target is not in the signal's own subscription";
}

function anotherObject({ record, facts }: GuardQuestion): string | null {
  const began = record.signal.startedAt;
  const { createdAt } = facts;
  if (began === null || createdAt === null) return null;
  // Told this way round, a time that cannot be read is a no.
  return new Date(createdAt).getTime() <= new Date(began).getTime()
    ? null
    : `it was created at ${createdAt}, after the activity that the alert is about began`;
}

/** One thing that holds the mode down. */
interface Limit {
  readonly mode: Mode;
  readonly reason: string;
  readonly quiet?: true;
}

/** The mode of the moment: what was asked, under the ceiling and everything that holds it down. */
function modeNow(question: GuardQuestion): GuardMode {
  const { record, ceiling } = question;
  const isApproved = record.approval !== null;
  const asked = isApproved ? approved(ceiling) : lowestMode(record.mode, ceiling);
  const doubts = isApproved ? [] : [...momentary(question), ...doubtful(question)];
  const limits = [...unreal(question), ...doubts];
  const mode = lowestMode(asked, ...limits.map((limit) => limit.mode));
  // The first that holds it down that far is the one that is told.
  const limit = mode === asked ? undefined : limits.find((one) => one.mode === mode);
  const isQuiet = limits.some(({ quiet }) => quiet === true);
  return { mode, lowered: limit?.reason ?? null, ...(isQuiet ? { quiet: true } : {}) };
}

/** What a person has approved is done, unless the ceiling does not even let people decide. */
function approved(ceiling: Mode): Mode {
  return rank(ceiling) >= rank("approve") ? "enforce" : ceiling;
}

function rank(mode: Mode): number {
  return MODES.indexOf(mode);
}

/** Defender's samples, and the copies of its weekly snapshot, are no news: whoever says what, nothing is done about them. */
function unreal({ record: { signal, rule } }: GuardQuestion): Limit[] {
  if (signal.unreal === null) return [];
  const reason =
    signal.unreal === "sample"
      ? "the signal is a sample"
      : "the signal is a copy from the weekly snapshot and no news";
  return [{ mode: "observe", reason, ...quietly(rule.whenOld) }];
}

function quietly(whenOld: Remediation["rule"]["whenOld"]): { readonly quiet?: true } {
  return whenOld === "record" ? { quiet: true } : {};
}

/** What changes with the hour: the rule's windows, and whether it was tripped. */
function momentary({ record: { mode, rule }, tripped, now }: GuardQuestion): Limit[] {
  const ofRule = modeAt(rule, now);
  // Lifted by another rule, which enforces the same and was asked when its signal joined.
  const isLifted = rank(mode) > rank(highestMode(rule));
  return [
    ...(isLifted ? [] : [{ mode: ofRule, reason: `rule ${rule.name} is at ${ofRule} at this time` }]),
    ...(tripped === null
      ? []
      : [{ mode: "observe", reason: `rule ${rule.name} is tripped: ${tripped}` } as const]),
  ];
}

/** What a person is to decide, or, where the signal was too old when it came, what its rule says. */
function doubtful(question: GuardQuestion): Limit[] {
  if (question.touched) return [];
  const asking = [
    irreversible(question),
    byParameters(question),
    secondPerson(question),
    unknownStart(question),
    again(question),
  ];
  return [
    ...aged(question),
    ...asking.flatMap((reason) => (reason === null ? [] : [{ mode: "approve", reason } as const])),
  ];
}

function aged({ record, byPerson, now }: GuardQuestion): Limit[] {
  const { signal, rule, createdAt } = record;
  if (byPerson || !tooOld(signal, rule.maxAgeMs, now)) return [];
  if (!tooOld(signal, rule.maxAgeMs, new Date(createdAt))) {
    return [{ mode: "approve", reason: "the signal became older than the rule allows while it waited" }];
  }
  const mode = rule.whenOld === "approve" ? "approve" : "observe";
  return [{ mode, reason: "the signal is older than the rule allows", ...quietly(rule.whenOld) }];
}

/** Was a signal too old at a moment? A time that is not known, or cannot be read, is. */
function tooOld({ at }: Pick<Remediation["signal"], "at">, maxAgeMs: number, then: Date): boolean {
  return !(then.getTime() - new Date(at ?? Number.NaN).getTime() <= maxAgeMs);
}

/** Evidence is kept for good, and there is nothing to take back: it changes nothing, and fades while somebody is asked. */
function irreversible({ playbook }: GuardQuestion): string | null {
  return playbook.reversible || playbook.kind === "evidence"
    ? null
    : `${playbook.name} cannot be taken back, so a person decides`;
}

/** What the rule, or a person, asks of the playbook may be more than what goes by itself. */
function byParameters({ playbook, record }: GuardQuestion): string | null {
  return playbook.needsApproval?.(record.rule.parameters) ?? null;
}

function secondPerson({ playbook, byPerson }: GuardQuestion): string | null {
  return byPerson && playbook.highImpact
    ? `${playbook.name} may harm more than its target, so a second person decides`
    : null;
}

function unknownStart({ record: { signal }, facts }: GuardQuestion): string | null {
  return signal.kind === "alert" && signal.startedAt === null && facts.createdAt !== null
    ? "the alert does not say when the activity began, so that its object may be another one"
    : null;
}

/** A person's word is the answer to whoever pulls the other way. */
function again({ byPerson, episodes }: GuardQuestion): string | null {
  return !byPerson && episodes > EPISODES_UNATTENDED
    ? "it is the third time in a day: somebody is pulling the other way"
    : null;
}
