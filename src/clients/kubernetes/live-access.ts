import type { AccessAdvice } from "./classify-error.ts";

/** Where an API server is, and whom its certificate must come from. */
export interface Located {
  readonly server: string;
  /** Base64 of PEM; undefined: the system's authorities. */
  readonly authority: string | undefined;
}

/** A way to a cluster that is asked for when it is used. Both raise our own errors; neither is ever another way. */
export interface LiveAccess {
  /** Where it is now. Has checked all that must hold before a token may go there. */
  locate(): Promise<Located>;
  /** The bearer token for one call. */
  token(): Promise<string>;
  /** Whether `locate` may say something else another time. */
  readonly moves: boolean;
  readonly advice: AccessAdvice;
}
