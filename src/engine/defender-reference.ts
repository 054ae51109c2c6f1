import type { DefenderReference } from "../model/defender-port.ts";
import type { Signal } from "../model/signal.ts";

const GUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** Names of alerts and assessments: GUIDs, also with ticks before them. */
const NAME = /^[\w-]{1,200}$/;
const ASSESSMENT =
  /^(\/subscriptions\/[^/]+(?:\/.+)?)\/providers\/microsoft\.security\/assessments\/([^/]+)(?:\/subassessments\/([^/]+))?$/i;

/**
 * Where Defender keeps what it exported, as the export itself says; null where it does not say, or says what no
 * address can be made of. All of it may be forged: what is found there has to agree with the export.
 */
export function referenceOf(signal: Signal): DefenderReference | null {
  switch (signal.kind) {
    case "alert":
      return alertReference(signal);
    case "recommendation":
    case "finding":
      return assessmentReference(signal);
    case "other":
      return null;
  }
}

function alertReference(signal: Signal): DefenderReference | null {
  const { subscriptionId, alertLocation, alertResourceGroup, id } = signal;
  if (subscriptionId === null || alertLocation === null) return null;
  if (!(GUID.test(subscriptionId) && NAME.test(alertLocation) && NAME.test(id))) return null;
  return {
    kind: "alert",
    subscriptionId,
    resourceGroup: alertResourceGroup,
    location: alertLocation,
    name: id,
  };
}

function assessmentReference({ kind, id }: Signal): DefenderReference | null {
  const [, resourceId, key, name] = ASSESSMENT.exec(id) ?? [];
  if (resourceId === undefined || key === undefined || !NAME.test(key)) return null;
  if (resourceId.length > 1_000 || !GUID.test(resourceId.split("/")[2] ?? "")) return null;
  if (name === undefined) return kind === "recommendation" ? { kind: "assessment", resourceId, key } : null;
  return kind === "finding" && NAME.test(name) ? { kind: "sub-assessment", resourceId, key, name } : null;
}
