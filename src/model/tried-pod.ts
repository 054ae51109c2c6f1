import type { Labels } from "./kubernetes-objects.ts";

/** A repository that does not exist (RFC 2606 keeps the domain free): our probes name it, so it is never blocked. */
export const PROBE_REPOSITORY = "defender-reflex.invalid/probe";

/** One container of a pod that is tried; what is absent is left to the API server's default. */
export interface TriedContainer {
  readonly image: string;
  readonly privileged?: boolean;
  readonly allowPrivilegeEscalation?: boolean;
  readonly readOnlyRootFilesystem?: boolean;
}

/** A pod to ask the API server about: only what admission policies of ours look at. */
export interface TriedPod {
  readonly labels?: Labels;
  readonly hostPID?: boolean;
  readonly hostIPC?: boolean;
  readonly hostNetwork?: boolean;
  readonly containers: readonly TriedContainer[];
}

/** What one API server said to one pod. */
export type Trial =
  /** It would take it; `words` is what policies of ours warn of. */
  | { readonly outcome: "admitted"; readonly words: readonly string[] }
  /** It would not; `words` is what a policy of ours says, null where somebody else's or the server itself refused it. */
  | { readonly outcome: "denied"; readonly words: string | null };
