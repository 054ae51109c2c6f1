import type { z } from "zod";
import type { EvidenceReader, EvidenceStore, KeptEvidence } from "./evidence-port.ts";
import type { Namespace, Pod } from "./kubernetes-objects.ts";
import type { KubernetesReader, KubernetesWriter } from "./kubernetes-port.ts";
import type { Plan, PlanDraft } from "./plan.ts";
import type { Target, TargetKind } from "./target.ts";

/**
 * The ports with which a playbook reads. A cluster is named by its ARM id; an unknown one raises `Refused`. Without
 * `evidence` the app has nowhere to keep any.
 */
export interface ReadPorts {
  readonly read: {
    kubernetes(cluster: string): KubernetesReader;
    readonly evidence?: EvidenceReader;
    /**
     * Why the guard would let nobody touch a pod beside the target, in its namespace: protected, opted out, out of scope
     * or excepted. Null: it may be touched. The engine provides it with each call.
     */
    readonly protects?: (pod: Pod, around: Namespace) => Promise<string | null>;
  };
}

/** The ports with which a playbook changes. The engine checks pause, lease and time before each write. */
export interface WritePorts extends ReadPorts {
  readonly write: { kubernetes(cluster: string): KubernetesWriter; readonly evidence?: EvidenceStore };
}

/** What `plan` answers: a change, nothing to do, or a reason not to do it. */
export type PlanOutcome =
  | { readonly outcome: "change"; readonly draft: PlanDraft }
  /** The target already is as wanted. */
  | { readonly outcome: "no-op"; readonly reason: string; readonly identity: string }
  /** It cannot be done here, or the target has gone. */
  | { readonly outcome: "skip"; readonly reason: string };

/** How sure we are that the change holds. */
export const PROOFS = ["proved", "declared", "partial", "unverified"] as const;

/** One of the proofs. */
export type Proof = (typeof PROOFS)[number];

/** What `verify` read back; `kept`: the evidence that it found, which goes on record. */
export type Verification =
  | {
      readonly verdict: "holds";
      readonly proof: "proved" | "declared";
      readonly kept?: KeptEvidence;
      /** What the proof does not say by itself, one sentence without a full stop; it goes on record. */
      readonly note?: string;
    }
  /** It holds, but what `remains` is not covered. */
  | { readonly verdict: "partial"; readonly remains: readonly string[]; readonly kept?: KeptEvidence }
  /** Not so yet; ask again after `retryAfterMs`. */
  | { readonly verdict: "not-yet"; readonly reason: string; readonly retryAfterMs: number }
  /** What was written is not there. */
  | { readonly verdict: "absent"; readonly reason: string };

/** What `revert` did: everything restored, or the object has gone with nothing left to restore. */
export type RevertOutcome =
  | { readonly outcome: "restored" }
  | { readonly outcome: "gone"; readonly reason: string };

/** Rights as data: the product's roles and the operator's ClusterRole are made from these. */
export interface KubernetesPermission {
  readonly apiGroup: string;
  readonly resource: string;
  readonly verbs: readonly string[];
  /** Only these objects; absent means all. */
  readonly resourceNames?: readonly string[];
  /** Only in this namespace; absent means the cluster. */
  readonly namespace?: string;
}

/** What `plan` is given: the target, the checked parameters, and the id from which created names are derived. */
export interface PlanInput<T extends Target, P> {
  readonly target: T;
  readonly parameters: P;
  readonly remediationId: string;
}

/**
 * One answer to one kind of target. It has no try/catch, logging, retries, store or messages: the engine owns these.
 * `plan` reads only. `apply` does exactly the plan, may be called twice, and raises `Conflict` where somebody changed
 * the touched fields. `revert` restores the touched fields, raises `Conflict` over a foreign change, may be called twice.
 */
export interface Playbook<K extends TargetKind = TargetKind, P = unknown> {
  readonly name: string;
  readonly title: string;
  readonly kind: "containment" | "remediation" | "evidence" | "notification";
  readonly target: K;
  readonly parameters: z.ZodType<P>;
  readonly permissions: {
    readonly kubernetes: readonly KubernetesPermission[];
    readonly arm: readonly string[];
  };
  /** What a user of the target notices. */
  readonly impact: string;
  /** More than one pod or one connection may suffer: a person's run wants a second person. */
  readonly highImpact: boolean;
  readonly reversible: boolean;
  /** Why a person decides where it is run with these parameters; null: none has to. Absent: with none has one to. */
  needsApproval?(parameters: P): string | null;
  readonly destroysEvidence: boolean;
  plan(input: PlanInput<Extract<Target, { kind: K }>, P>, ports: ReadPorts): Promise<PlanOutcome>;
  apply(plan: Plan, ports: WritePorts): Promise<void>;
  verify(plan: Plan, ports: ReadPorts): Promise<Verification>;
  revert(plan: Plan, ports: WritePorts): Promise<RevertOutcome>;
}

/** A playbook of which only the name is known: parameters are checked before `plan` sees them. */
export type AnyPlaybook = Playbook;

/** Declares a playbook: types of target and parameters follow from the declaration, and are checked again when it is called. */
export function playbook<K extends TargetKind, P>(declared: Playbook<K, P>): AnyPlaybook {
  const { needsApproval } = declared;
  return {
    ...declared,
    ...(needsApproval === undefined
      ? {}
      : {
          needsApproval(given) {
            const parsed = declared.parameters.safeParse(given);
            return parsed.success
              ? needsApproval(parsed.data)
              : "its parameters cannot be read by this version";
          },
        }),
    parameters: declared.parameters,
    plan(input, ports) {
      const { target, parameters, remediationId } = input;
      if (!isKind(target, declared.target)) {
        throw new TypeError(`${declared.name} wants a ${declared.target}, not a ${target.kind}`);
      }
      return declared.plan(
        { target, parameters: declared.parameters.parse(parameters), remediationId },
        ports,
      );
    },
  };
}

function isKind<K extends TargetKind>(target: Target, kind: K): target is Extract<Target, { kind: K }> {
  return target.kind === kind;
}
