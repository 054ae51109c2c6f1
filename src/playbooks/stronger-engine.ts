import type { DenyKind, Unreadable } from "../model/engine-policies.ts";
import type { Pod } from "../model/kubernetes-objects.ts";
import type { KubernetesReader } from "../model/kubernetes-port.ts";
import type { EngineName } from "./network-engine.ts";
import type { ResidualRule } from "./network-verdict.ts";

/** What a rule calls the engines whose own kind of policy can deny. */
export type EngineWord = "cilium" | "ovn" | "calico";

/** A policy of somebody that orders itself beside ours. */
export interface Rival {
  /** For the beginning of a sentence. */
  readonly name: string;
  /** Its place: what is lower is asked first, and minus infinity is asked before whatever we take. */
  readonly rank: number;
  /** May it select the pod, and let some of its traffic through? */
  readonly opens: boolean;
}

/** An engine of network policies whose own kind denies more surely than a network policy does, and how. */
export interface StrongerEngine {
  readonly word: EngineWord;
  readonly engine: EngineName;
  readonly kind: DenyKind;
  /** How its kind is called in a sentence. */
  readonly title: string;
  /** What it denies, for the end of a sentence. */
  readonly denies: string;
  /** What it is called in the API, for the fields that a plan touches. */
  readonly plural: string;
  readonly isNamespaced: boolean;
  readonly nameOf: (remediationId: string) => string;
  /** What it denies, at that rank: everything of the pods of this namespace with our label, and nothing is allowed. */
  readonly specOf: (remediationId: string, namespace: string, rank: number) => object;
  /** The specification as it compares, without what an API server adds to it. */
  readonly asMade: (spec: unknown) => unknown;
  /** Whom it orders itself among, those that may concern a pod with these labels; ours is not among them. */
  readonly rivals: (of: Placed, reader: KubernetesReader) => Promise<readonly Rival[] | Unreadable>;
  /** The place to take; null where none is left. */
  readonly rankAmong: (rivals: readonly Rival[]) => number | null;
  /** Is it undefined who is first of two of one rank, whatever they say? */
  readonly mustBeAlone: boolean;
  /** Does a network policy's rule let through what this denies not? */
  readonly leaves: (rule: ResidualRule) => boolean;
  /** What the plan says of it, a sentence each. */
  readonly limits: readonly string[];
  /** What the engine itself says against our policy on that node, a sentence each. */
  readonly complaints: (status: unknown, node: string | null) => readonly string[];
}

/** The pod that our policy is for, with the labels that it will have, and the policy's name. */
export interface Placed {
  readonly pod: Pick<Pod, "namespace" | "labels">;
  readonly ownName: string;
}
