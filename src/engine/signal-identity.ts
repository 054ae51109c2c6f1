import { namedHost } from "../model/named-host.ts";
import type { SignalSummary } from "../model/remediation.ts";
import type { Signal } from "../model/signal.ts";
import { signalHash } from "../store/row-keys.ts";
import { referenceOf } from "./defender-reference.ts";

const LONGEST_IDENTITY = 1_000;

/**
 * What makes two deliveries the same signal, in lower case: the alert id, or the assessment with the date of its state
 * (engine design). One that no row can hold as it is (too long, no clean text) is cut and ends in its hash.
 */
export function signalIdentity(signal: Signal): string {
  const { id, kind, times } = signal;
  const whole =
    id.toLowerCase() + (kind === "alert" ? "" : `@${times.statusChangedAt ?? times.generatedAt ?? ""}`);
  const kept = cleanText(whole, LONGEST_IDENTITY);
  // As JSON, since halves of surrogate pairs would all have the same hash.
  return kept === whole ? whole : `${kept}#${signalHash(JSON.stringify(whole))}`;
}

/** When the signal speaks of: the latest of end of activity, generation and change of state; null when it does not say. */
export function signalTime(signal: Signal): string | null {
  const { endedAt, generatedAt, statusChangedAt, startedAt } = signal.times;
  const known = [endedAt, generatedAt, statusChangedAt, startedAt].filter((time) => time !== null);
  return known.length === 0 ? null : known.reduce((latest, time) => (time > latest ? time : latest));
}

/** What a record keeps of its signal: texts are cut, since a record is one cell and an alert may be a megabyte. */
export function summarize(signal: Signal): SignalSummary {
  const { id, kind, key, title, severity, subscriptionId, times, resourceIds } = signal;
  return {
    identity: signalIdentity(signal),
    id: cleanText(id, LONGEST_IDENTITY),
    kind,
    key: key === null ? null : cleanText(key, 200),
    title: title === null ? null : cleanText(title, 300),
    severity,
    subscriptionId: subscriptionId === null ? null : cleanText(subscriptionId, 100),
    at: signalTime(signal),
    startedAt: times.startedAt,
    resourceIds: resourceIds.slice(0, 10).map((one) => cleanText(one, 500)),
    unreal: signal.isSample ? "sample" : signal.isSnapshot ? "snapshot" : null,
    reference: referenceOf(signal),
    named: namedBy(signal),
  };
}

/** What a signal names besides its resource; what it does not name is left out. */
export function namedBy(signal: Signal): Readonly<Record<string, string>> {
  const { cluster, workload, namespace, affectedNamespace, pod, container, image, digest, findingName } =
    signal;
  const named = {
    cluster: cluster?.resourceId.toLowerCase() ?? null,
    namespace,
    affectedNamespace,
    workload: workload === null ? null : `${workload.kind} ${workload.name}`,
    pod,
    container,
    image,
    digest,
    finding: findingName,
    // With a pod it is context and finds no target.
    host: pod === null ? (namedHost(signal)?.name ?? null) : null,
  };
  return Object.fromEntries(
    Object.entries(named).flatMap(([what, name]) => (name === null ? [] : [[what, cleanText(name, 500)]])),
  );
}

/** At most `longest` characters, without control characters and halves of surrogate pairs. */
function cleanText(text: string, longest: number): string {
  return text
    .slice(0, longest)
    .replaceAll(/\p{Cc}/gu, " ")
    .toWellFormed();
}
