import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { fluxContainer } from "../model/flux-container.ts";
import type { ClusterConnect } from "../model/rule.ts";
import { oneOrMany, textOf, textWithout } from "./schema-words.ts";

const settingName = textOf(
  /^[A-Za-z_][A-Za-z0-9_]*$/,
  "write the name of the app setting that holds it, never the value itself",
);
const serverAddress = textOf(
  /^https?:\/\/[^/?#@\s]+\/?$/,
  "write the address of the API server as https://name:port",
);
const secretAddress = textOf(
  /^https:\/\/[a-z0-9-]+\.vault\.[a-z.]+\/secrets\/[A-Za-z0-9-]+\/?$/,
  "write the address of a secret as https://VAULT.vault.azure.net/secrets/NAME, without a version",
);
const WAYS = ["kubeconfig", "aks", "token", "runCommand", "flux"] as const;

const tokenSchema = z
  .strictObject({
    server: serverAddress,
    caSetting: settingName.optional(),
    caSecret: secretAddress.optional(),
    tokenSetting: settingName.optional(),
    tokenSecret: secretAddress.optional(),
  })
  .superRefine((written, context) => {
    const { caSetting, caSecret, tokenSetting, tokenSecret } = written;
    const fault = (path: PropertyKey[], message: string): void =>
      context.addIssue({ code: "custom", path, message, input: written });
    if (tokenSetting === undefined && tokenSecret === undefined) {
      if (context.issues.length === 0) fault([], "tokenSetting is missing; add it, or tokenSecret");
    } else if (tokenSetting !== undefined && tokenSecret !== undefined) {
      fault(["tokenSecret"], "stands beside tokenSetting; the token is in one place only");
    }
    if (caSetting !== undefined && caSecret !== undefined) {
      fault(["caSecret"], "stands beside caSetting; the authority is in one place only");
    }
    if (tokenSecret === undefined && caSecret !== undefined) {
      fault(["caSecret"], "needs tokenSecret; beside tokenSetting write caSetting");
    }
  });

const fluxSchema = z.strictObject({
  container: textWithout((text) =>
    fluxContainer(text) === null
      ? `${JSON.stringify(text)} cannot stand here; write the container as https://ACCOUNT.blob.core.windows.net/CONTAINER`
      : null,
  ),
  configuration: textOf(
    /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
    "write the name of the cluster's Flux configuration alone",
  ),
});

const waySchema = z
  .strictObject({
    kubeconfig: z.string().min(1).optional(),
    context: z.string().min(1).optional(),
    aks: z.literal("entra").optional(),
    token: tokenSchema.optional(),
    runCommand: z.literal(true, "write true, or leave it out").optional(),
    flux: fluxSchema.optional(),
  })
  .superRefine((written, context) => {
    const fault = (path: PropertyKey[], message: string): void =>
      context.addIssue({ code: "custom", path, message, input: written });
    const [way, second] = WAYS.filter((one) => written[one] !== undefined);
    if (way === undefined) {
      // A slip of the pen has been told already, and is what is missing.
      if (context.issues.length === 0) fault([], "kubeconfig is missing; add it, or connect by aks or token");
    } else if (second !== undefined) fault([second], `stands beside ${way}; connect in one way only`);
    else if (way !== "kubeconfig" && written.context !== undefined) {
      fault(["context"], `names a part of a kubeconfig, and this cluster connects by ${way}; remove it`);
    }
  });

const STANDS_ALONE =
  "is flux, which stands alone: Flux would write its list over what is written to the cluster directly";

/** So many calls one after another still fit the time that a lease leaves. */
const MOST_WAYS = 3;

/**
 * The schema of `connect`: one of the ways to reach a cluster, or a list of them in the order in which they are tried. A
 * single one is no list afterwards either, so that the hash of a file without lists stays what it was.
 */
export const connectSchema = oneOrMany(waySchema)
  .superRefine((ways, context) => {
    const fault = (index: number, message: string): void =>
      context.addIssue({ code: "custom", path: [index], message, input: ways });
    if (ways.length > MOST_WAYS) fault(MOST_WAYS, `is one way too many; ${MOST_WAYS} are tried at most`);
    const pull = ways.findIndex(({ flux }) => flux !== undefined);
    if (pull >= 0 && ways.length > 1) fault(pull, STANDS_ALONE);
    for (const [index, way] of ways.entries()) {
      const same = ways.findIndex((one) => isDeepStrictEqual(one, way));
      if (same < index) fault(index, "is there already; each way is tried once");
    }
  })
  .transform((ways) => {
    const [only, ...more] = ways;
    return only !== undefined && more.length === 0 ? only : ways;
  });

/** The ways under `connect` as they were written, once they have passed: one or many. */
export function writtenWays(written: z.output<typeof connectSchema>): readonly z.output<typeof waySchema>[] {
  return Array.isArray(written) ? written : [written];
}

/** The ways that were written under `connect`. */
export function connectOf(written: z.output<typeof connectSchema>): ClusterConnect[] {
  return writtenWays(written).map(wayOf);
}

function wayOf(written: z.output<typeof waySchema>): ClusterConnect {
  const { kubeconfig, context, aks, token, runCommand, flux } = written;
  if (aks !== undefined) return { kind: "aks-entra" };
  if (runCommand !== undefined) return { kind: "run-command" };
  if (flux !== undefined) return { kind: "flux", ...flux };
  if (token === undefined) {
    return { kind: "kubeconfig", kubeconfig: kubeconfig ?? "", context: context ?? null };
  }
  const { server, caSetting = null, caSecret = null, tokenSetting = "", tokenSecret } = token;
  return tokenSecret === undefined
    ? { kind: "token", server, caSetting, tokenSetting }
    : { kind: "vault-token", server, caSetting, caSecret, tokenSecret };
}
