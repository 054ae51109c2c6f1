import { parse } from "yaml";
import { z } from "zod";
import { Permanent } from "../../model/errors.ts";
import type { Located } from "../kubernetes/live-access.ts";

/** What is looked at; users, and with them the programs that they run, are not even read. */
const kubeconfigSchema = z.object({
  "current-context": z.string(),
  contexts: z.array(z.object({ name: z.string(), context: z.object({ cluster: z.string() }) })),
  clusters: z.array(
    z.object({
      name: z.string(),
      cluster: z.object({
        server: z.string(),
        "certificate-authority-data": z.base64().min(1),
      }),
    }),
  ),
});

/**
 * Address and authority out of the kubeconfig that Azure hands out, and nothing else of it: its user says which program
 * to run. Raises `Permanent` where it is not what it should be.
 */
export function readUserKubeconfig(text: string): Located {
  const config = parsed(text);
  const name = config?.contexts.find((one) => one.name === config["current-context"])?.context.cluster;
  const cluster = config?.clusters.find((one) => one.name === name)?.cluster;
  if (cluster === undefined) {
    // What it says is not passed on: it may hold credentials.
    throw new Permanent(
      "The kubeconfig that Azure hands out has no address with its certificate authority",
      "Look at what `az aks get-credentials` writes; this version cannot read it.",
    );
  }
  return { server: cluster.server, authority: cluster["certificate-authority-data"] };
}

function parsed(text: string): z.infer<typeof kubeconfigSchema> | null {
  try {
    return kubeconfigSchema.safeParse(parse(text, { maxAliasCount: 0 })).data ?? null;
  } catch {
    return null;
  }
}
