import type { TokenCredential } from "@azure/identity";
import { Retryable } from "../../model/errors.ts";
import { classifyFault } from "../arm/classify-fault.ts";
import { inTime } from "../arm/in-time.ts";
import type { Arm } from "../arm/index.ts";
import type { LiveAccess } from "../kubernetes/live-access.ts";
import { findAksCluster } from "./find-aks-cluster.ts";

/** The application that stands for every AKS API server in Entra. */
const AKS_SCOPE = "6dae42f8-4368-4678-94ff-3960e28e3630/.default";

/** How Azure is asked, and as whom. */
export interface AksMeans {
  readonly arm: Arm;
  /** The one identity that is used; it is never another. */
  readonly credential: TokenCredential;
  readonly timeoutMs: number;
}

/** The way to one AKS cluster: its address by Azure's word, and a token of the app's identity. Nothing is asked before the first use. */
export function aksAccess(id: string, { arm, credential, timeoutMs }: AksMeans): LiveAccess {
  const name = id.split("/").at(-1) ?? id;
  return {
    locate: () => findAksCluster(arm, id),
    async token() {
      const what = `sign in to AKS cluster ${name}`;
      try {
        // The library keeps the token, and renews it in time.
        const given = await inTime(timeoutMs, (abortSignal) =>
          credential.getToken(AKS_SCOPE, { abortSignal }),
        );
        if (given !== null) return given.token;
      } catch (error) {
        throw classifyFault(error, what);
      }
      throw new Retryable(`No token could be had to ${what}`, "It is asked for again by itself.", {
        retryAfterMs: 10_000,
      });
    },
    moves: true,
    advice: {
      unauthorized: `Look whether the app's identity is of the tenant that cluster ${name} trusts; no other credential is tried.`,
      untrusted: `Look what is between the app and cluster ${name}: its certificate is not from the authority that Azure names.`,
      strange: `Check any proxy between the app and cluster ${name}.`,
    },
  };
}
