import { z } from "zod";
import { sameArmId } from "../../model/arm-id.ts";
import { Permanent, Refused, Retryable } from "../../model/errors.ts";
import type { Arm } from "../arm/index.ts";
import type { Located } from "../kubernetes/live-access.ts";
import { asNoWay } from "../kubernetes/no-way.ts";
import { readUserKubeconfig } from "./user-kubeconfig.ts";

/** Version of the contract in which AKS is asked. */
export const AKS_VERSION = "2024-02-01";

const text = z.string().nullish();
const clusterSchema = z.object({
  id: z.string(),
  properties: z.object({
    provisioningState: text,
    powerState: z.object({ code: text }).nullish(),
    fqdn: text,
    privateFQDN: text,
    azurePortalFQDN: text,
    aadProfile: z.object({ managed: z.boolean().nullish() }).nullish(),
    apiServerAccessProfile: z.object({ disableRunCommand: z.boolean().nullish() }).nullish(),
  }),
});
const credentialsSchema = z.object({ kubeconfigs: z.array(z.object({ value: z.base64() })).min(1) });

/** What Azure says of an AKS cluster, as far as it is looked at. */
export type Properties = z.infer<typeof clusterSchema>["properties"];

/**
 * Where the API server of an AKS cluster is, by Azure's word. Raises what `readAksCluster` raises, and `Refused` for an
 * address that Azure does not name for it.
 */
export async function findAksCluster(arm: Arm, id: string): Promise<Located> {
  const name = id.split("/").at(-1) ?? id;
  const properties = await readAksCluster(arm, id);
  const answer = credentialsSchema.safeParse(
    await arm.post(id, "listClusterUserCredential", AKS_VERSION, undefined, { format: "exec" }),
  );
  const [first] = answer.data?.kubeconfigs ?? [];
  if (first === undefined) throw strange(name);
  const located = readUserKubeconfig(Buffer.from(first.value, "base64").toString("utf8"));
  mustBeNamed(name, located, properties);
  return located;
}

/**
 * An AKS cluster that can be used, by Azure's word. Raises `Permanent` for one that is not there, stopped or being
 * deleted, `Refused` for one without Entra, and what asking Azure raises.
 */
export async function readAksCluster(arm: Arm, id: string): Promise<Properties> {
  const name = id.split("/").at(-1) ?? id;
  const found = await arm.get(id, AKS_VERSION);
  if (found === null) {
    throw new Permanent(
      `Azure has no AKS cluster ${name} under the id in the configuration`,
      "Correct its id under `clusters`, or take it out.",
    );
  }
  const parsed = clusterSchema.safeParse(found);
  if (!parsed.success || !sameArmId(parsed.data.id, id)) throw strange(name);
  const { properties } = parsed.data;
  mustBeUsable(name, properties);
  return properties;
}

function mustBeUsable(name: string, { provisioningState, powerState, aadProfile }: Properties): void {
  if (isWord(provisioningState, "Deleting")) {
    throw new Permanent(`AKS cluster ${name} is being deleted`, "Take it out of `clusters`.");
  }
  if (isWord(powerState?.code, "Stopped")) {
    throw new Permanent(
      `AKS cluster ${name} is stopped`,
      "Start it to act on it (`az aks start`); nothing runs in it now.",
    );
  }
  if (aadProfile?.managed !== true) {
    const refused = new Refused(
      `AKS cluster ${name} is not integrated with Entra, and local accounts are not used`,
      "Turn on its Entra integration (`az aks update --enable-aad`), or connect it by a service account's token.",
    );
    throw asNoWay(refused, { mayHaveLeft: false });
  }
}

/** A token goes to no host but those that Resource Manager itself names for the cluster. */
function mustBeNamed(name: string, { server }: Located, properties: Properties): void {
  const url = URL.parse(server);
  const hosts = [properties.fqdn, properties.privateFQDN, properties.azurePortalFQDN];
  const isNamed = hosts.some((host) => isWord(url?.hostname, host ?? ""));
  const isBare =
    url?.protocol === "https:" && url.username === "" && url.password === "" && `${url.origin}/` === url.href;
  if (isBare && isNamed) return;
  throw new Refused(
    `the API server that Azure hands out for AKS cluster ${name} is not at an address that it names for it`,
    "Look who changed the cluster: no token was asked for.",
  );
}

function isWord(found: string | null | undefined, wanted: string): boolean {
  return wanted !== "" && found?.toLowerCase() === wanted.toLowerCase();
}

function strange(name: string): Retryable {
  return new Retryable(
    `Azure's answer about AKS cluster ${name} is not what it should be`,
    "It is asked again by itself.",
    { retryAfterMs: 10_000 },
  );
}
