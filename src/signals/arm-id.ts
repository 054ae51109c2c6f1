/** What an ARM id says. */
export interface ArmId {
  readonly subscriptionId: string;
  /** ARM type, lower-cased, of the last provider in the id; null for a subscription or a resource group. */
  readonly type: string | null;
  /** The part of the id, as written, that names a Kubernetes cluster; null where none does. */
  readonly cluster: string | null;
}

/** Kubernetes clusters that Defender watches: AKS, Arc-enabled, ARO. */
const CLUSTER_TYPES: ReadonlySet<string> = new Set([
  "microsoft.containerservice/managedclusters",
  "microsoft.kubernetes/connectedclusters",
  "microsoft.redhatopenshift/openshiftclusters",
]);

/** The segments of an ARM id; none for other text. */
function segmentsOf(text: string): string[] {
  if (!/^\/subscriptions\/[^/\s]/i.test(text)) return [];
  const segments = text.slice(1).split("/");
  if (segments.at(-1) === "") segments.pop();
  return segments.every((segment) => segment.trim() !== "") ? segments : [];
}

/**
 * Reads an ARM id in any casing; null for other text (`/repositories/…/images/…`, names, URLs). Names and types
 * stand in pairs; `providers` in the place of a type begins a new one, so the last provider gives the type.
 */
export function readArmId(text: string): ArmId | null {
  const segments = segmentsOf(text);
  const subscription = segments[1];
  if (subscription === undefined) return null;
  let type: string | null = null;
  let open: string | null = null;
  let cluster: string | null = null;
  for (let at = 2; at + 1 < segments.length; at += 2) {
    const word = segments[at]?.toLowerCase() ?? "";
    if (word === "providers") {
      open = segments[at + 1]?.toLowerCase() ?? "";
    } else if (open !== null) {
      open = `${open}/${word}`;
      type = open;
      if (CLUSTER_TYPES.has(open)) cluster = `/${segments.slice(0, at + 2).join("/")}`;
    }
  }
  return { subscriptionId: subscription.toLowerCase(), type, cluster };
}

/** True for the id of a resource; false for a subscription, a resource group and other text. */
export function isResourceId(text: string): boolean {
  return readArmId(text)?.type != null;
}

/** Text values that are ARM ids, as written, without repetitions in another casing. */
export function distinctArmIds(texts: readonly (string | null)[]): string[] {
  const byKey = new Map<string, string>();
  for (const text of texts) {
    if (text === null || readArmId(text) === null) continue;
    const key = text.toLowerCase();
    if (!byKey.has(key)) byKey.set(key, text);
  }
  return [...byKey.values()];
}

/** The parts of an assessment's or a finding's id: the resource it is about, as written, and the assessment key. */
export function readAssessmentId(text: string): { readonly scope: string; readonly key: string } | null {
  const segments = text.split("/");
  for (let at = segments.length - 4; at >= 0; at -= 1) {
    const [word, provider, type] = segments.slice(at, at + 3).map((segment) => segment.toLowerCase());
    const key = segments[at + 3];
    if (word === "providers" && provider === "microsoft.security" && type === "assessments" && key) {
      return { scope: segments.slice(0, at).join("/"), key };
    }
  }
  return null;
}
