/** What the three wire shapes of an alert say under different names; values as found, not yet checked. */
export interface AlertReading {
  readonly id: string | null;
  readonly alertType: unknown;
  readonly title: unknown;
  readonly severity: unknown;
  readonly status: unknown;
  readonly intent: unknown;
  readonly compromisedEntity: unknown;
  /** The resource that the record itself calls its own, where the shape has such a field. */
  readonly resourceId: unknown;
  readonly resourceIdentifiers: unknown;
  readonly entities: unknown;
  readonly extendedProperties: unknown;
  readonly alertUri: unknown;
  readonly startedAt: unknown;
  readonly endedAt: unknown;
  readonly generatedAt: unknown;
}
