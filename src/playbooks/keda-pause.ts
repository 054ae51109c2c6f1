import { z } from "zod";
import { Conflict } from "../model/errors.ts";
import { INCIDENT_LABEL } from "../model/incident-mark.ts";
import type { KubernetesReader } from "../model/kubernetes-port.ts";
import type { PlanStep } from "../model/plan.ts";
import type { ScaledObject } from "../model/scaled-object.ts";
import type { WorkloadState } from "../model/workload-state.ts";
import { byWhom } from "./foreign-change.ts";
import { isOptedOut } from "./opted-out.ts";
import { touchedField } from "./touched-field.ts";

/** By it KEDA keeps what a ScaledObject scales at a number (KEDA's documentation, "Pausing autoscaling"). */
export const KEDA_PAUSE = "autoscaling.keda.sh/paused-replicas";
/** By it KEDA leaves the number as it is; the other wins over it. */
const KEDA_FREEZE = "autoscaling.keda.sh/paused";
const ZERO = "0";

/** A ScaledObject that is paused with the workload: what a plan remembers of it. */
export const kedaPauseSchema = z.object({
  name: z.string(),
  uid: z.string(),
  /** What was under the annotation, and under our label. */
  before: z.string().nullable(),
  mark: z.string().nullable(),
});

/** See `kedaPauseSchema`. */
export type KedaPause = z.infer<typeof kedaPauseSchema>;

/** What KEDA has to do with a workload. */
export interface KedaAsked {
  readonly pauses: readonly KedaPause[];
  readonly limits: readonly string[];
  /** Names of the ScaledObjects that were found. */
  readonly names: ReadonlySet<string>;
}

/**
 * The ScaledObjects to be paused with a workload, or why it cannot be stopped, for the end of "Deployment x/y …": one that
 * somebody keeps at another number is his.
 */
export function kedaPauses(
  workload: WorkloadState,
  found: readonly ScaledObject[] | "unread",
): KedaAsked | { readonly obstacle: string } {
  if (found === "unread") return { pauses: [], limits: [UNREAD], names: new Set() };
  const scaling = found
    .filter(({ scales, deleting }) => isOf(scales, workload) && !deleting)
    .toSorted((one, other) => (one.name < other.name ? -1 : 1));
  const kept = scaling.find((one) => ![null, ZERO].includes(pausedAt(one)));
  if (kept !== undefined) {
    const obstacle = `is kept at another number of pods by KEDA, as somebody told it: ${nameOf(kept)} has ${KEDA_PAUSE}: "${pausedAt(kept) ?? ""}"${byWhom(kept, ["metadata", "annotations", KEDA_PAUSE])}; take that off first`;
    return { obstacle };
  }
  const free = scaling.filter((one) => whyNotOurs(one) === null);
  return {
    pauses: free.map((one) => ({
      name: one.name,
      uid: one.uid,
      before: pausedAt(one),
      mark: one.labels[INCIDENT_LABEL] ?? null,
    })),
    limits: scaling.map((one) => whyNotOurs(one) ?? paused(one)),
    names: new Set(scaling.map(({ name }) => name)),
  };
}

const UNREAD =
  "Whether KEDA scales it is not known: our identity may not list ScaledObjects (keda.sh), so that none is paused.";

function isOf({ kind, name }: ScaledObject["scales"], workload: WorkloadState): boolean {
  return kind === workload.kind && name === workload.name;
}

function nameOf({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `ScaledObject ${namespace}/${name}`;
}

function pausedAt({ annotations }: ScaledObject): string | null {
  return annotations[KEDA_PAUSE] ?? null;
}

/** A sentence on one that is not to be paused by us; null: it is. */
function whyNotOurs(one: ScaledObject): string | null {
  const object = `KEDA's ${nameOf(one)}`;
  if (pausedAt(one) === ZERO) return `${object} is paused at 0 already, by somebody, who may lift that.`;
  if (one.annotations[KEDA_FREEZE] === "true") {
    return `${object} is paused already, by somebody (${KEDA_FREEZE}), who may lift that.`;
  }
  return isOptedOut(one) ? `The owner of ${object} has opted out: it may start it again.` : null;
}

function paused(one: ScaledObject): string {
  return `KEDA's ${nameOf(one)} would start it again, and is paused at 0; KEDA takes over again when this is taken back.`;
}

/** The step of a plan that pauses it. */
export function kedaStep(
  { cluster, namespace }: { readonly cluster: string; readonly namespace: string },
  { name, before }: KedaPause,
): PlanStep {
  const object = `scaledobjects/${namespace}/${name}`;
  return {
    sentence: `pause KEDA's ${nameOf({ namespace, name })} at 0 pods, by its annotation ${KEDA_PAUSE}`,
    touches: [`metadata.annotations.${KEDA_PAUSE}`, `metadata.labels.${INCIDENT_LABEL}`].map((field) =>
      touchedField(cluster, object, field),
    ),
    before,
    after: ZERO,
  };
}

/** A pause of the plan, and its ScaledObject as it is now; null: it has gone, and KEDA with it. */
export interface FoundPause {
  readonly pause: KedaPause;
  readonly scaled: ScaledObject | null;
}

/** The ScaledObjects of these pauses, read anew. */
export async function findPauses(
  pauses: readonly KedaPause[],
  namespace: string,
  reader: KubernetesReader,
): Promise<readonly FoundPause[]> {
  return Promise.all(
    pauses.map(async (pause) => {
      const found = await reader.scaledObject(namespace, pause.name);
      return { pause, scaled: found?.uid === pause.uid ? found : null };
    }),
  );
}

/** Is it paused at zero, under our mark? */
export function isPaused({ scaled }: FoundPause, remediationId: string): boolean {
  return scaled !== null && scaled.labels[INCIDENT_LABEL] === remediationId && pausedAt(scaled) === ZERO;
}

type Change = Readonly<Record<"labels" | "annotations", Readonly<Record<string, string | null>>>>;

/** What pauses it, as one change; null: it is done, or nothing is there. Raises `Conflict` where somebody changed it. */
export function pausing(found: FoundPause, remediationId: string): Change | null {
  const { pause, scaled } = found;
  if (scaled === null || isPaused(found, remediationId)) return null;
  const isSame = pausedAt(scaled) === pause.before && (scaled.labels[INCIDENT_LABEL] ?? null) === pause.mark;
  if (!isSame) throw foreign(scaled);
  return { labels: { [INCIDENT_LABEL]: remediationId }, annotations: { [KEDA_PAUSE]: ZERO } };
}

/**
 * What lets KEDA go on, as one change; null: nothing of ours is there. A number that somebody has set meanwhile is theirs,
 * and stays. Raises `Conflict` where it is paused and has lost our mark.
 */
export function resuming({ pause, scaled }: FoundPause, remediationId: string): Change | null {
  if (scaled === null) return null;
  const isOurs = scaled.labels[INCIDENT_LABEL] === remediationId;
  if (!isOurs && pausedAt(scaled) === ZERO) throw foreign(scaled);
  if (!isOurs) return null;
  const annotations = pausedAt(scaled) === ZERO ? { [KEDA_PAUSE]: pause.before } : {};
  return { labels: { [INCIDENT_LABEL]: pause.mark }, annotations };
}

/** A sentence for a pause that is not there any more; null: it is, or there is nothing to pause. */
export function lostPause(found: FoundPause, remediationId: string): string | null {
  const { scaled } = found;
  if (scaled === null || isPaused(found, remediationId)) return null;
  const whom = byWhom(
    scaled,
    ["metadata", "annotations", KEDA_PAUSE],
    ["metadata", "labels", INCIDENT_LABEL],
  );
  return `KEDA's ${nameOf(scaled)} is not paused at 0 under our mark${whom}: it may start it again.`;
}

function foreign(scaled: ScaledObject): Conflict {
  const object = nameOf(scaled);
  const at = pausedAt(scaled);
  const whom = byWhom(
    scaled,
    ["metadata", "annotations", KEDA_PAUSE],
    ["metadata", "labels", INCIDENT_LABEL],
  );
  return new Conflict(
    `${object} is neither as the plan found it nor paused under our mark: somebody else has changed it.`,
    "Look who changed it; it was left as it is.",
    { remains: [`${object} has ${at === null ? "no" : `"${at}" under`} ${KEDA_PAUSE}${whom}.`] },
  );
}
