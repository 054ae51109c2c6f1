/** Where Defender keeps what it exported. */
export type DefenderReference =
  | {
      readonly kind: "alert";
      readonly subscriptionId: string;
      /** Null: the alert is kept at the subscription. */
      readonly resourceGroup: string | null;
      readonly location: string;
      readonly name: string;
    }
  | { readonly kind: "assessment"; readonly resourceId: string; readonly key: string }
  | {
      readonly kind: "sub-assessment";
      readonly resourceId: string;
      readonly key: string;
      readonly name: string;
    };

/** What Defender says of a record now. */
export interface DefenderRecord {
  /** The alert's or assessment's name (GUID), as Defender has it. */
  readonly id: string;
  /** AlertType or assessment key; null where Defender does not say. */
  readonly key: string | null;
  readonly severity: string | null;
  /** Is it still so: alert active, recommendation unhealthy? */
  readonly open: boolean;
  /** As Defender words it. */
  readonly status: string;
  readonly resourceIds: readonly string[];
  /** Latest of end of activity and generation, ISO 8601; null where it does not say. */
  readonly at: string | null;
  /** The record itself as Defender gives it: what else it names is read by the decoder that read the export. */
  readonly body: unknown;
}

/** Asks Defender itself: who can send to the hub can forge. Errors: `Retryable` (no answer, throttled), `Permanent` (401, 403). */
export interface DefenderPort {
  /** Null: Defender has no such record. */
  find(reference: DefenderReference): Promise<DefenderRecord | null>;
}
