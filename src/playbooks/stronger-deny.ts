import type { EngineDeny, Unreadable } from "../model/engine-policies.ts";
import type { Pod } from "../model/kubernetes-objects.ts";
import type { KubernetesReader } from "../model/kubernetes-port.ts";
import { denyByCalico } from "./deny-by-calico.ts";
import { denyByCilium } from "./deny-by-cilium.ts";
import { denyByOvn } from "./deny-by-ovn.ts";
import { engineDeny, requireOurDeny } from "./engine-deny.ts";
import type { NetworkEngine } from "./network-engine.ts";
import type { EngineWord, Placed, Rival, StrongerEngine } from "./stronger-engine.ts";

const ENGINES: readonly StrongerEngine[] = [denyByCilium, denyByOvn, denyByCalico];

/** What a rule may ask for: one of the engines, or whichever is found. */
export const ENGINE_WORDS = ["cilium", "ovn", "calico", "auto"] as const;

/** An engine by its word. */
export function strongerEngine(word: EngineWord): StrongerEngine {
  return { cilium: denyByCilium, ovn: denyByOvn, calico: denyByCalico }[word];
}

/** The policy that the engine itself is given, its place, and whom it asks before that, a sentence each. */
export interface Stronger {
  readonly by: StrongerEngine;
  readonly deny: EngineDeny;
  readonly rank: number;
  readonly before: readonly string[];
}

/**
 * The stronger policy for a pod, by reads alone; a sentence where there can be none, and the network policy is all. The
 * agent of the engine must have been seen: a policy that nobody enforces wins over nothing. Raises `Conflict` where
 * somebody's policy bears our name.
 */
export async function strongerDeny(
  word: EngineWord | "auto",
  found: NetworkEngine,
  { pod, remediationId }: { readonly pod: Pod; readonly remediationId: string },
  reader: KubernetesReader,
): Promise<Stronger | string> {
  const wanted = word === "auto" ? ENGINES : [strongerEngine(word)];
  const by = wanted.find(({ engine }) => found.found === "engine" && found.engine === engine);
  if (by === undefined) {
    const names = wanted.map(({ engine }) => engine).join(", ");
    return without(names, `no agent of ${wanted.length === 1 ? "it" : "them"} was found there`);
  }
  const ownName = by.nameOf(remediationId);
  const rivals = await by.rivals({ pod, ownName }, reader);
  if (typeof rivals === "string") return without(by.engine, unreadable(by, rivals));
  const named = { kind: by.kind, namespace: by.isNamespaced ? pod.namespace : "", name: ownName };
  const existing = await reader.enginePolicy(named);
  if (typeof existing === "string") return without(by.engine, unreadable(by, existing));
  const rank = rankOf(existing?.spec) ?? by.rankAmong(rivals);
  if (rank === null) return without(by.engine, "no place is left among its policies");
  const deny = engineDeny(by, remediationId, pod, rank);
  if (existing !== null) requireOurDeny(by, existing, deny);
  return { by, deny, rank, before: askedBefore(by, rivals, rank) };
}

/** Whom the engine asks before ours by now, a sentence each; also where that cannot be told any more. */
export async function askedBeforeNow(
  by: StrongerEngine,
  rank: number,
  placed: Placed,
  reader: KubernetesReader,
): Promise<readonly string[]> {
  const rivals = await by.rivals(placed, reader);
  if (typeof rivals !== "string") return askedBefore(by, rivals, rank);
  return [`Whom ${by.engine} asks before our policy cannot be told: ${unreadable(by, rivals)}.`];
}

function askedBefore(by: StrongerEngine, rivals: readonly Rival[], own: number): string[] {
  return rivals.flatMap(({ name, rank, opens }) => {
    if (by.mustBeAlone && rank === own) {
      return [`${name} has the place of ours: which of the two ${by.engine} heeds is not defined.`];
    }
    return opens && rank <= own
      ? [`${name} is asked before ours, and may let traffic of the pod through.`]
      : [];
  });
}

/** The place that our own one took when it was made. */
function rankOf(spec: unknown): number | null {
  if (typeof spec !== "object" || spec === null) return null;
  const rank: unknown = Reflect.get(spec, "priority") ?? Reflect.get(spec, "order");
  return typeof rank === "number" ? rank : null;
}

function unreadable({ plural, kind }: StrongerEngine, why: Unreadable): string {
  return why === "unserved"
    ? `the cluster does not serve ${plural}`
    : `our identity may not read ${kind === "CalicoNetworkPolicy" ? "Calico's policies and tiers" : plural}`;
}

function without(engine: string, why: string): string {
  return `${engine}'s own deny was asked for, but ${why}: the network policy alone isolates the pod.`;
}
