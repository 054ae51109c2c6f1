import { z } from "zod";
import { Conflict } from "../model/errors.ts";
import { BEFORE_LABEL, INCIDENT_LABEL } from "../model/incident-mark.ts";
import { WORKLOAD_KINDS } from "../model/kubernetes-objects.ts";
import type { PlanStep } from "../model/plan.ts";
import {
  STOP_FIELDS,
  STOP_KEY,
  type StopField,
  type StopValue,
  type WorkloadChange,
  type WorkloadState,
} from "../model/workload-state.ts";
import { byWhom } from "./foreign-change.ts";
import { touchedField } from "./touched-field.ts";

const stopValue = z.union([z.number(), z.boolean(), z.string(), z.null()]);

/** How one workload is stopped: what a plan remembers of it. */
export const stopChangeSchema = z.object({
  kind: z.enum(WORKLOAD_KINDS),
  name: z.string(),
  uid: z.string(),
  before: stopValue,
  after: stopValue,
  /** What was under our own labels: an older mark that somebody brought back, as a rule nothing. */
  mark: z.string().nullable(),
  markedBefore: z.string().nullable(),
  /** Annotations that go with it. */
  annotations: z.record(z.string(), z.object({ before: z.string().nullable(), after: z.string() })),
});

/** See `stopChangeSchema`. */
export type StopChange = z.infer<typeof stopChangeSchema>;

/** The annotations that a change sets, by key. */
export type Pauses = Readonly<Record<string, string>>;

/** How a workload is stopped, marked and, by annotations, left alone by who would start it again. */
export function stopChange(workload: WorkloadState, remediationId: string, pauses: Pauses): StopChange {
  const { kind, name, uid, stop, labels, annotations } = workload;
  return {
    kind,
    name,
    uid,
    before: stop,
    after: stopped(STOP_FIELDS[kind], remediationId),
    mark: own(labels, INCIDENT_LABEL),
    markedBefore: own(labels, BEFORE_LABEL),
    annotations: Object.fromEntries(
      Object.entries(pauses).map(([key, after]) => [key, { before: own(annotations, key), after }]),
    ),
  };
}

/** Is it stopped already, by whomever? */
export function isStopped({ kind, stop }: WorkloadState): boolean {
  return STOP_FIELDS[kind] === "nodeSelector" ? stop !== null : stop === stopped(STOP_FIELDS[kind], "");
}

function stopped(field: StopField, remediationId: string): StopValue {
  switch (field) {
    case "replicas":
      return 0;
    case "suspend":
      return true;
    case "nodeSelector":
      return remediationId;
  }
}

function own(map: Readonly<Record<string, string>>, key: string): string | null {
  return Object.hasOwn(map, key) ? (map[key] ?? null) : null;
}

/** The step of a plan that makes the change. */
export function stopStep(
  { cluster, namespace }: { readonly cluster: string; readonly namespace: string },
  { kind, name, before, after, annotations }: StopChange,
): PlanStep {
  const object = `${kind.toLowerCase()}s/${namespace}/${name}`;
  const keys = Object.keys(annotations);
  return {
    sentence: sentenceOf(`${kind} ${namespace}/${name}`, kind, before) + keys.map(annotated).join(""),
    touches: [
      FIELDS[STOP_FIELDS[kind]],
      `metadata.labels.${INCIDENT_LABEL}`,
      ...keys.map((key) => `metadata.annotations.${key}`),
    ].map((field) => touchedField(cluster, object, field)),
    before,
    after,
  };
}

function sentenceOf(object: string, kind: StopChange["kind"], before: StopValue): string {
  switch (STOP_FIELDS[kind]) {
    case "replicas":
      return `scale ${object} from ${before ?? 1} to 0`;
    case "suspend":
      return `suspend ${object}`;
    case "nodeSelector":
      return `ask ${object} for a node label that no node has (${STOP_KEY})`;
  }
}

function annotated(key: string): string {
  return `, with the annotation ${key}`;
}

const PATHS: Readonly<Record<StopField, readonly string[]>> = {
  replicas: ["spec", "replicas"],
  suspend: ["spec", "suspend"],
  nodeSelector: ["spec", "template", "spec", "nodeSelector"],
};
const FIELDS: Readonly<Record<StopField, string>> = {
  replicas: "spec.replicas",
  suspend: "spec.suspend",
  nodeSelector: `spec.template.spec.nodeSelector.${STOP_KEY}`,
};

/** The way to the field by which a kind is stopped, as the cluster records who set it. */
export function stopPath(kind: StopChange["kind"]): readonly string[] {
  return PATHS[STOP_FIELDS[kind]];
}

/**
 * How a workload stands to a change of ours. `put-back`: stopped by us, and started again by somebody as it was.
 * `unmarked`: stopped, but not under our mark. `other`: something else than what was found or written.
 */
export type Standing = "before" | "stopped" | "put-back" | "unmarked" | "other";

/** See `Standing`. */
export function standingOf(change: StopChange, remediationId: string, workload: WorkloadState): Standing {
  const mark = own(workload.labels, INCIDENT_LABEL);
  if (mark === remediationId) {
    if (workload.stop === change.after) return "stopped";
    return workload.stop === change.before ? "put-back" : "other";
  }
  if (workload.stop === change.after) return "unmarked";
  return workload.stop === change.before ? "before" : "other";
}

/**
 * What stops it, as one change. Raises `Conflict` where somebody else has changed it since the plan; null: it is done.
 * `zeroed`: KEDA, which we have told so, may have been faster.
 */
export function stopping(
  change: StopChange,
  remediationId: string,
  workload: WorkloadState,
  zeroed = false,
): WorkloadChange | null {
  const standing = standingOf(change, remediationId, workload);
  if (standing === "stopped") return null;
  const { after, annotations, mark } = change;
  const isSame =
    (standing === "before" || (zeroed && standing === "unmarked")) &&
    own(workload.labels, INCIDENT_LABEL) === mark &&
    Object.entries(annotations).every(([key, { before }]) => own(workload.annotations, key) === before);
  if (!isSame) throw foreignStop(change, workload);
  return {
    stop: after,
    labels: { [INCIDENT_LABEL]: remediationId, [BEFORE_LABEL]: wordOf(change.before) },
    annotations: Object.fromEntries(Object.entries(annotations).map(([key, one]) => [key, one.after])),
  };
}

function wordOf(before: StopValue): string {
  return before === null ? "none" : String(before);
}

/**
 * What lets it go on, as one change; null: nothing of ours is there. Where somebody has started it again as it was,
 * only our mark goes. `zeroed`: KEDA, which we have told so, may have set the number again after us. Raises `Conflict` over a
 * value that is not ours, and over one that lost our mark.
 */
export function restarting(
  change: StopChange,
  remediationId: string,
  workload: WorkloadState,
  zeroed = false,
): WorkloadChange | null {
  const standing = standingOf(change, remediationId, workload);
  if (zeroed && standing === "unmarked" && own(workload.labels, INCIDENT_LABEL) === change.mark) {
    return { stop: change.before, labels: {}, annotations: {} };
  }
  switch (standing) {
    case "before":
      return null;
    case "stopped":
      return { stop: change.before, ...unmarking(change, workload) };
    case "put-back":
      return unmarking(change, workload);
    default:
      throw foreignStop(change, workload);
  }
}

/** An annotation that somebody has changed meanwhile is theirs, and stays. */
function unmarking({ mark, markedBefore, annotations }: StopChange, workload: WorkloadState) {
  return {
    labels: { [INCIDENT_LABEL]: mark, [BEFORE_LABEL]: markedBefore },
    annotations: Object.fromEntries(
      Object.entries(annotations)
        .filter(([key, { after }]) => own(workload.annotations, key) === after)
        .map(([key, { before }]) => [key, before]),
    ),
  };
}

/** The annotations of the change that somebody has taken off or changed. */
export function lostPauses({ annotations }: StopChange, workload: WorkloadState): readonly string[] {
  return Object.entries(annotations)
    .filter(([key, { after }]) => own(workload.annotations, key) !== after)
    .map(([key]) => key);
}

/** What a workload wants by now, and who set it, for a sentence: `wants 5 pods (set by …)`. */
export function wish(workload: WorkloadState): string {
  const { kind, stop } = workload;
  return `${WISHES[STOP_FIELDS[kind]](stop)}${byWhom(workload, stopPath(kind))}`;
}

const WISHES: Readonly<Record<StopField, (stop: StopValue) => string>> = {
  replicas: (stop) => `wants ${stop ?? 1} pods`,
  suspend: (stop) => (stop === true ? "is suspended" : "is not suspended"),
  nodeSelector: (stop) =>
    stop === null ? "wants pods on its nodes" : `wants nodes with ${STOP_KEY}=${stop}, which is not ours`,
};

function foreignStop(change: StopChange, workload: WorkloadState): Conflict {
  const object = `${workload.kind} ${workload.namespace}/${workload.name}`;
  const isStill = workload.stop === change.after;
  return new Conflict(
    isStill
      ? `${object} is stopped, but not under our mark: somebody else has stopped it, or taken the mark off.`
      : `${object} is neither as the plan found it nor as it was to be: somebody else has changed it.`,
    "Look who changed it; it was left as it is.",
    { remains: [`${object} ${wish(workload)}.`] },
  );
}
