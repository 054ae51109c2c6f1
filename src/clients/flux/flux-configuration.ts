import { z } from "zod";
import type { Clock } from "../../model/clock.ts";
import { Refused, Retryable } from "../../model/errors.ts";
import type { FluxContainer } from "../../model/flux-container.ts";
import { OWN_NAMESPACE } from "../../model/incident-mark.ts";
import type { PulledList } from "../../model/kubernetes-objects.ts";
import type { Arm } from "../arm/index.ts";
import { remembered } from "../remembered.ts";

const VERSION = "2023-05-01";
/** What was found good is taken for good so long: a storm of findings does not ask Azure each time. */
const KNOWN_MS = 5 * 60_000;
/** How often Flux looks where nothing is said (contract of that version). */
const EVERY_SECONDS = 600;

const configurationSchema = z.object({
  properties: z.object({
    scope: z.string().nullish(),
    namespace: z.string().nullish(),
    sourceKind: z.string().nullish(),
    suspend: z.boolean().nullish(),
    azureBlob: z
      .object({
        url: z.string().nullish(),
        containerName: z.string().nullish(),
        syncIntervalInSeconds: z.number().nullish(),
      })
      .nullish(),
    kustomizations: z
      .record(z.string(), z.object({ path: z.string().nullish(), prune: z.boolean().nullish() }).nullish())
      .nullish(),
    provisioningState: z.string().nullish(),
    complianceState: z.string().nullish(),
    statusUpdatedAt: z.string().nullish(),
  }),
});
type Properties = z.output<typeof configurationSchema>["properties"];

/** How often the cluster looks, and what its Flux last reported. */
export type FluxView = Pick<PulledList, "everySeconds" | "compliance">;

/** What names a cluster's Flux configuration, and what it is to fetch from. */
export interface FluxSource {
  /** ARM id of the cluster. */
  readonly cluster: string;
  readonly configuration: string;
  readonly container: FluxContainer;
}

/**
 * Asks Azure whether the configuration fetches from this very container and applies what it finds there; known for five
 * minutes where it does. Raises `Refused` where it does not or is not there, and what Resource Manager raises.
 */
export function createFluxConfiguration(
  { cluster, configuration, container }: FluxSource,
  arm: Arm,
  clock: Clock,
): () => Promise<FluxView> {
  const id = `${cluster.replace(/\/+$/, "")}/providers/Microsoft.KubernetesConfiguration/fluxConfigurations/${configuration}`;
  const ask = async (): Promise<FluxView> => {
    const answer = await arm.get(id, VERSION);
    if (answer === null) throw refused(configuration, "is not there");
    const parsed = configurationSchema.safeParse(answer);
    if (!parsed.success) {
      throw new Retryable(
        `Azure's answer about the Flux configuration ${configuration} is not what it should be.`,
        "It is asked again by itself.",
        { retryAfterMs: 10_000 },
      );
    }
    const { properties } = parsed.data;
    const fault = faultOf(properties, container);
    if (fault !== null) throw refused(configuration, fault);
    return viewOf(properties);
  };
  return remembered(clock, ask, { keptMs: KNOWN_MS, noMs: 0 });
}

function refused(configuration: string, fault: string): Refused {
  return new Refused(
    `The cluster's Flux configuration ${configuration} ${fault}.`,
    "Correct it in Azure as docs/access.md says, or give the app a route to the cluster.",
  );
}

/** Why what is laid out would not come to the cluster, or not stay as it is laid out; null: it does. */
function faultOf(properties: Properties, { url, account, name }: FluxContainer): string | null {
  const { scope, namespace, sourceKind, suspend, azureBlob, kustomizations, provisioningState } = properties;
  if (provisioningState === "Deleting") return "is being deleted";
  if (suspend === true) return "is suspended";
  if (sourceKind !== "AzureBlob") return `fetches from ${sourceKind ?? "GitRepository"}, not from AzureBlob`;
  const isHere = originOf(azureBlob?.url) === account && azureBlob?.containerName === name;
  if (!isHere) return `does not fetch from ${url}`;
  // One of a namespace applies nothing beyond it.
  if (scope === "namespace" && namespace !== OWN_NAMESPACE) {
    return `is for namespace ${namespace ?? "default"} alone, and the list is in ${OWN_NAMESPACE}`;
  }
  const concerned = Object.entries(kustomizations ?? {}).filter(([, one]) => isRoot(one?.path));
  if (concerned.length === 0) return "has no kustomization for the root of the container";
  const lax = concerned.find(([, one]) => one?.prune !== true);
  return lax === undefined ? null : `does not prune (kustomization ${lax[0]}): what is taken away would stay`;
}

/** Of an address that is nothing but an origin. */
function originOf(address: string | null | undefined): string | null {
  const url = URL.parse(address ?? "");
  return url !== null && `${url.origin}/` === url.href ? url.origin : null;
}

function isRoot(path: string | null | undefined): boolean {
  return /^(?:\.?\/)*\.?$/.test(path ?? "");
}

function viewOf({ azureBlob, complianceState, statusUpdatedAt }: Properties): FluxView {
  return {
    everySeconds: azureBlob?.syncIntervalInSeconds ?? EVERY_SECONDS,
    compliance:
      complianceState === null || complianceState === undefined
        ? null
        : { state: complianceState.slice(0, 64), at: statusUpdatedAt?.slice(0, 64) ?? null },
  };
}
