/** What kind of record Defender exported. */
export type SignalKind = "alert" | "recommendation" | "finding" | "other";

/** What an `other` record is. */
export type OtherKind =
  | "secureScore"
  | "secureScoreControl"
  | "regulatoryCompliance"
  | "attackPath"
  | "activityLogAlert"
  | "unknown";

/** Severity as Defender names it; `Critical` occurs in risk levels and findings only. */
export type Severity = "Informational" | "Low" | "Medium" | "High" | "Critical";

/** Why nothing may be done about a signal by default. */
export type NotActionable =
  | "deleted"
  | "healthy"
  | "exempt"
  | "resolved"
  | "sample"
  | "snapshot"
  | "pattern"
  | "ambiguous"
  | "not a resource";

/** One entity of an alert, flattened: its type lower-cased, its own text fields by camelCase name, references left out. */
export interface Entity {
  readonly type: string;
  readonly name: string | null;
  /** True for the attacked thing, false for context, null where Defender does not say. */
  readonly asset: boolean | null;
  readonly attributes: Readonly<Record<string, string>>;
}

/** Details of a vulnerability finding; null where the record does not say. */
export interface Vulnerability {
  readonly cve: string | null;
  readonly cvss: number | null;
  readonly fixAvailable: boolean | null;
  readonly package: string | null;
}

/** An object of a cluster that a signal names and that is neither pod nor workload. */
export interface NamedObject {
  readonly kind:
    | "ClusterRoleBinding"
    | "RoleBinding"
    | "Service"
    | "ValidatingWebhookConfiguration"
    | "MutatingWebhookConfiguration";
  /** Null for kinds of the whole cluster. */
  readonly namespace: string | null;
  readonly name: string;
}

/** Times of a signal as ISO 8601 text in UTC with milliseconds; null where unknown. */
export interface SignalTimes {
  /** First activity of an alert. */
  readonly startedAt: string | null;
  /** Last activity of an alert. */
  readonly endedAt: string | null;
  /** When Defender produced the record. */
  readonly generatedAt: string | null;
  /** When the state of a recommendation last changed. */
  readonly statusChangedAt: string | null;
}

/**
 * One exported record in our own words. Nothing in it is invented: each id, name, image, digest and
 * address occurs in the record; what is ambiguous, dangling or absent is null.
 */
export interface Signal {
  readonly kind: SignalKind;
  readonly otherKind: OtherKind | null;
  /** Alert id, or the whole id of an assessment, finding or score. */
  readonly id: string;
  /** AlertType, or assessment key. */
  readonly key: string | null;
  /** `key` without the prefix that marks sample alerts. */
  readonly baseKey: string | null;
  /** Name of a finding (CVE, VA2064, …). */
  readonly findingName: string | null;
  readonly title: string | null;
  readonly severity: Severity | null;
  readonly status: string | null;
  readonly statusCause: string | null;
  readonly action: "Insert" | "Delete" | "Write" | null;
  readonly isSample: boolean;
  readonly isSnapshot: boolean;
  readonly tactics: readonly string[];
  /** ARM ids as written, main resource first. */
  readonly resourceIds: readonly string[];
  /** ARM type of the main resource, lower-cased: `microsoft.containerservice/managedclusters`. */
  readonly resourceType: string | null;
  /** Subscription of the main resource, lower-cased. */
  readonly subscriptionId: string | null;
  /** Location under which Defender keeps the alert (ascLocation); needed to read it back. */
  readonly alertLocation: string | null;
  /** Resource group under which Defender keeps the alert; null where it is kept at the subscription, or does not say. */
  readonly alertResourceGroup: string | null;
  /** A name to show, never an id. */
  readonly compromisedEntity: string | null;
  readonly cluster: { readonly resourceId: string } | null;
  readonly namespace: string | null;
  /** Namespace that was touched where it differs from the one of the acting identity. */
  readonly affectedNamespace: string | null;
  readonly workload: { readonly kind: string; readonly name: string } | null;
  readonly pod: string | null;
  readonly container: string | null;
  readonly image: string | null;
  readonly digest: string | null;
  readonly serviceAccount: string | null;
  readonly object: NamedObject | null;
  readonly attackerIps: readonly string[];
  readonly entities: readonly Entity[];
  readonly vulnerability: Vulnerability | null;
  readonly actionable: boolean;
  readonly notActionable: NotActionable | null;
  readonly times: SignalTimes;
}

/** A piece of an event that could not be decoded: why, and its bytes. */
export interface Undecodable {
  readonly parked: string;
  readonly bytes: Uint8Array;
}

/** What the decoder makes of one record. */
export type Decoded = { readonly signal: Signal; readonly body: unknown } | Undecodable;
