import type { Engine } from "../engine/engine.ts";
import { outside, type ScopeFacts } from "../engine/scope.ts";
import type { AccessEntry, Caller, Role } from "../model/caller.ts";
import { clusterIds } from "../model/main-cluster.ts";
import type { Remediation } from "../model/remediation.ts";
import { describeTarget, type Target } from "../model/target.ts";
import type { Word } from "../model/word.ts";
import type { Call } from "./http-function.ts";
import { Forbidden } from "./problem.ts";

type Signal = Pick<Remediation["signal"], "resourceIds">;

/** The caller's word, for the record. */
export function wordOf({ caller }: Pick<Call, "caller">, why: string): Word {
  return { who: caller?.name ?? "nobody", id: caller?.id ?? "", why };
}

/**
 * Has the caller the role, and does it reach the target? A role for which the file has entries under `access` reaches
 * only whom one of them names, and only what is surely in the scope of that one; a role without entries everything.
 */
export function may(
  { engine, caller }: Pick<Call, "engine" | "caller">,
  role: Role,
  target: Target,
  signal?: Signal,
): boolean {
  if (caller === null || !caller.roles.includes(role)) return false;
  const entries = engine.configuration.access.filter((entry) => entry.role === role);
  if (entries.length === 0) return true;
  const facts = factsOf(engine, target, signal);
  return entries.some((entry) => names(entry, caller) && outside(entry.scope, facts) === null);
}

/** Raises `Forbidden` where the caller may not act in that role on the target. */
export function assertMay(
  call: Pick<Call, "engine" | "caller">,
  role: Role,
  target: Target,
  signal?: Signal,
): void {
  if (may(call, role, target, signal)) return;
  throw new Forbidden(
    `Your role ${role} does not reach ${describeTarget(target)}.`,
    "Ask who keeps the configuration to widen the entry for you under `access`.",
  );
}

function names({ to }: AccessEntry, { id, groups }: Caller): boolean {
  const own = [id.split("/").at(-1) ?? id, ...groups].map((one) => one.toLowerCase());
  return to.length === 0 || to.some((one) => own.includes(one.toLowerCase()));
}

/** What is known from the target alone. The rest is unknown, and what is unknown is a no. */
function factsOf({ configuration }: Engine, target: Target, signal: Signal | undefined): ScopeFacts {
  // People may name a cluster as the file does; scopes name it by an ARM id.
  const [resource = signal?.resourceIds[0] ?? null, ...aliases] =
    "cluster" in target ? clusterIds(configuration.clusters, target.cluster) : [];
  return {
    resource,
    aliases,
    namespace: namespaceOf(target),
    labels: null,
    namespaceLabels: null,
    tags: null,
    managementGroups: null,
  };
}

function namespaceOf(target: Target): string | null {
  if (target.kind === "namespace") return target.name;
  return "namespace" in target ? target.namespace : null;
}
