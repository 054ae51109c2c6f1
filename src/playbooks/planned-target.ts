import type { Target, TargetKind } from "../model/target.ts";

/** The plan's target as the kind that the playbook works on; another kind is a fault of the caller. */
export function plannedTarget<K extends TargetKind>(
  plan: { readonly target: Target; readonly playbook: string },
  kind: K,
): Extract<Target, { kind: K }> {
  const { target, playbook } = plan;
  if (!isKind(target, kind)) {
    throw new TypeError(`A plan of ${playbook} has a ${target.kind} as its target, not a ${kind}.`);
  }
  return target;
}

function isKind<K extends TargetKind>(target: Target, kind: K): target is Extract<Target, { kind: K }> {
  return target.kind === kind;
}
