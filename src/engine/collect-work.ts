import { Permanent, Refused, Retryable, sentence } from "../model/errors.ts";
import type { KubernetesReader } from "../model/kubernetes-port.ts";
import { mainClusterId } from "../model/main-cluster.ts";
import { MODES } from "../model/mode.ts";
import type { Decision } from "../model/rule.ts";
import type { Signal } from "../model/signal.ts";
import { type Target, targetKey } from "../model/target.ts";
import { byCluster } from "./by-cluster.ts";
import { SIGNALS_PER_CLAIM, type Work, type WorkSignal } from "./claim.ts";
import { LATE } from "./claim-late.ts";
import type { Engine } from "./engine.ts";
import { changesNothing, withEvidence } from "./evidence.ts";
import { urgencyOf } from "./lane-of.ts";
import { isSlow, SLOW_WAY } from "./pace.ts";
import { type Resolution, resolve } from "./resolve.ts";
import { signalIdentity, signalTime, summarize } from "./signal-identity.ts";

/** A decoded signal of a batch, with where it came from. */
export interface BatchSignal {
  readonly signal: Signal;
  readonly body: unknown;
}

/** One decision on one signal, on the signal's own cluster (null) or one that the rule names. */
export interface Wanted {
  readonly from: BatchSignal;
  readonly decision: Decision;
  readonly cluster: string | null;
}

/** How a batch wants its work collected. */
export interface Collecting<W extends Wanted> {
  /** From this moment on nothing is read any more: what needs reading is claimed as named. */
  readonly until: Date | null;
  /** Told what could not be resolved for an unexpected fault; the rest goes on. */
  readonly onFault: (one: W, fault: unknown) => Promise<void>;
}

const RESOLVE_LANES = 16;

/** Every decision times every cluster that it names. */
export function wantedOf(from: BatchSignal, decisions: readonly Decision[]): Wanted[] {
  return decisions.flatMap((decision) =>
    (decision.clusters ?? [null]).map((cluster) => ({ from, decision, cluster })),
  );
}

/**
 * Resolves what is wanted into targets and coalesces by playbook and target: several pods of one Deployment are one
 * claim. For one signal, playbook and target the first rule of the file decides; among signals the strongest mode, then
 * the latest, as if they had come one by one. Most severe first. Without `collecting` the first fault is raised.
 */
export async function collectWork<W extends Wanted>(
  engine: Engine,
  wanted: readonly W[],
  { until, onFault }: Collecting<W> = { until: null, onFault: (_one, fault) => Promise.reject(fault) },
): Promise<readonly Work[]> {
  const resolved: (Resolved | undefined)[] = wanted.map(() => undefined);
  const clusterOf = ([, { from, cluster }]: readonly [number, W]): string =>
    cluster ?? from.signal.cluster?.resourceId ?? "";
  await byCluster(RESOLVE_LANES, [...wanted.entries()], clusterOf, async ([index, one]) => {
    try {
      const { from, decision, cluster } = one;
      const asked = { signal: from.signal, playbook: decision.playbook, cluster, until };
      resolved[index] = { ...one, ...(await resolveWork(engine, asked)) };
    } catch (fault) {
      await onFault(one, fault);
    }
  });
  const groups = new Map<string, Map<string, Resolved>>();
  for (const one of resolved) {
    if (one === undefined) continue;
    const key = `${one.decision.playbook}|${targetKey(one.target)}`;
    const group = groups.get(key) ?? new Map<string, Resolved>();
    groups.set(key, group);
    const identity = signalIdentity(one.from.signal);
    if (!group.has(identity)) group.set(identity, one);
  }
  const works = [...groups.values()].flatMap((group) => worksOf(engine, [...group.values()]));
  return withEvidence(engine, works).sort((a, b) => urgency(a) - urgency(b));
}

type Resolved = Wanted & Pick<Work, "target" | "unresolved" | "decided">;

/**
 * The target of a playbook for one signal, on the signal's own cluster (null) or another, or the verdict where there is
 * none. From `until` on nothing is read: then it is unresolved. Raises what is unexpected.
 */
export async function resolveWork(
  engine: Engine,
  asked: {
    readonly signal: Signal;
    readonly playbook: string;
    readonly cluster: string | null;
    readonly until: Date | null;
  },
): Promise<Pick<Work, "target" | "unresolved" | "decided">> {
  const { signal, playbook, cluster, until } = asked;
  const wanted = engine.playbooks.get(playbook)?.target ?? "alert";
  const itself: Target = { kind: "alert", id: signalIdentity(signal) };
  const kubernetes = (id: string): KubernetesReader => {
    if (until !== null && engine.clock.now() >= until) throw bySweep(LATE);
    if (isSlow(engine, id)) throw bySweep(SLOW_WAY);
    return engine.ports.read.kubernetes(id);
  };
  let resolution: Resolution;
  try {
    resolution = await resolve(signal, wanted, cluster, kubernetes, engine.configuration.clusters);
  } catch (error) {
    if (!(error instanceof Refused || error instanceof Permanent)) throw error;
    const state = error instanceof Refused ? "refused" : "failed";
    return {
      target: itself,
      unresolved: false,
      decided: { state, reason: sentence(error) },
    };
  }
  switch (resolution.outcome) {
    case "target":
      return { target: resolution.target, unresolved: false, decided: null };
    case "later":
      return { target: resolution.target, unresolved: true, decided: null };
    case "none":
      return { target: itself, unresolved: false, decided: { state: "skipped", reason: resolution.reason } };
  }
}

function bySweep(why: string): Retryable {
  return new Retryable(why, "It is resolved by the sweep.", {
    retryAfterMs: 0,
  });
}

/** One work for one playbook and target; more than a transaction takes become further ones, which join the first. */
function worksOf(engine: Engine, group: readonly Resolved[]): Work[] {
  const [lead, ...rest] = group.toSorted(byWeight);
  if (lead === undefined) return [];
  const { decision, cluster, target, unresolved, decided, from } = lead;
  const of = {
    playbook: decision.playbook,
    target,
    unresolved,
    decided,
    rule: decision.rule,
    mode: decision.mode,
    clusterByRule: cluster !== null && !isOwnCluster(engine, from.signal, cluster),
    requestedBy: null,
    aside: changesNothing(engine, decision.playbook),
    evidence: [],
  };
  const others = rest.map((one) => workSignal(one.from));
  const works: Work[] = [{ ...of, signals: [workSignal(from), ...others.slice(0, SIGNALS_PER_CLAIM - 1)] }];
  for (let start = SIGNALS_PER_CLAIM - 1; start < others.length; start += SIGNALS_PER_CLAIM) {
    const [first, ...more] = others.slice(start, start + SIGNALS_PER_CLAIM);
    if (first !== undefined) works.push({ ...of, signals: [first, ...more] });
  }
  return works;
}

function isOwnCluster({ configuration }: Engine, signal: Signal, cluster: string): boolean {
  const [own, named] = [signal.cluster?.resourceId ?? "", cluster].map((id) =>
    mainClusterId(configuration.clusters, id).toLowerCase(),
  );
  return own === named;
}

/** Which of several decisions on one target goes first: what is real, so that a sample never stands for it. */
function byWeight(a: Resolved, b: Resolved): number {
  const unreal = Number(isUnreal(a.from.signal)) - Number(isUnreal(b.from.signal));
  if (unreal !== 0) return unreal;
  const mode = MODES.indexOf(b.decision.mode) - MODES.indexOf(a.decision.mode);
  const [atA, atB] = [signalTime(a.from.signal) ?? "", signalTime(b.from.signal) ?? ""];
  return mode !== 0 ? mode : atA < atB ? 1 : atA > atB ? -1 : 0;
}

function isUnreal({ isSample, isSnapshot }: Signal): boolean {
  return isSample || isSnapshot;
}

function workSignal({ signal, body }: BatchSignal): WorkSignal {
  return { summary: summarize(signal), signal, body };
}

function urgency(work: Work): number {
  return Math.min(...work.signals.map(({ summary }) => urgencyOf(summary.severity)));
}
