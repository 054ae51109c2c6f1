import { z } from "zod";
import type { ClusterConnect } from "../model/rule.ts";
import { textOf } from "./schema-words.ts";

const settingName = textOf(
  /^[A-Za-z_][A-Za-z0-9_]*$/,
  "write the name of the app setting that holds it, never the value itself",
);
const serverAddress = textOf(
  /^https?:\/\/[^/?#@\s]+\/?$/,
  "write the address of the API server as https://name:port",
);
const WAYS = ["kubeconfig", "aks", "token"] as const;

/** The schema of `connect`: just one of the ways to reach a cluster. */
export const connectSchema = z
  .strictObject({
    kubeconfig: z.string().min(1).optional(),
    context: z.string().min(1).optional(),
    aks: z.literal("entra").optional(),
    token: z
      .strictObject({ server: serverAddress, caSetting: settingName.optional(), tokenSetting: settingName })
      .optional(),
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

/** What was written under `connect`, once it has passed. */
export function connectOf(written: z.output<typeof connectSchema>): ClusterConnect {
  const { kubeconfig, context, aks, token } = written;
  if (aks !== undefined) return { kind: "aks-entra" };
  if (token === undefined) {
    return { kind: "kubeconfig", kubeconfig: kubeconfig ?? "", context: context ?? null };
  }
  const { server, caSetting, tokenSetting } = token;
  return { kind: "token", server, caSetting: caSetting ?? null, tokenSetting };
}
