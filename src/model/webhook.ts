import type { ObjectIdentity } from "./kubernetes-objects.ts";
import type { Precondition } from "./kubernetes-port.ts";
import type { Json } from "./plan.ts";

/** Whether the hook may change what it is asked about. */
export type WebhookKind = "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration";

/** One hook of a configuration. */
export interface Webhook {
  readonly name: string;
  /** As the API server returned it, in the words of the wire; an empty one selects everything. */
  readonly objectSelector: Json;
  /** `Fail`: what the hook is asked about is refused where it does not answer. */
  readonly failurePolicy: string | null;
  /** The service that it asks; null where it asks the address. */
  readonly service: { readonly namespace: string; readonly name: string } | null;
  readonly url: string | null;
}

/** A configuration of admission webhooks. */
export interface WebhookConfiguration extends ObjectIdentity {
  readonly webhooks: readonly Webhook[];
}

/** How webhook configurations are read. */
export interface WebhookReader {
  webhooks(kind: WebhookKind, name: string): Promise<WebhookConfiguration | null>;
}

/** How webhook configurations are changed. */
export interface WebhookWriter {
  /**
   * Sets the object selectors of these hooks, and sets (text) and removes (null) labels, in one conditional change;
   * what is said of a hook that is not there any more raises `Retryable`, since then the version has moved.
   */
  selectObjects(
    kind: WebhookKind,
    name: string,
    condition: Precondition,
    change: {
      readonly selectors: Readonly<Record<string, Json>>;
      readonly labels: Readonly<Record<string, string | null>>;
    },
  ): Promise<WebhookConfiguration>;
}
