import { type Json, type JsonObject, objectAt, without } from "./json-value.ts";
import type { ObjectStore } from "./object-store.ts";
import type { Resource } from "./resource-table.ts";

/** A request on a served kind, as far as the verbs care. */
export interface ApiRequest {
  readonly store: ObjectStore;
  readonly resource: Resource;
  /** Empty for cluster-wide kinds; undefined for a list over all namespaces. */
  readonly namespace: string | undefined;
  readonly name: string;
  readonly subresource: string;
  readonly query: URLSearchParams;
  readonly contentType: string;
  /** The body as sent. */
  readonly text: string;
  /** The field manager: the query's, else the first word of the user agent. */
  readonly manager: string;
  readonly dryRun: boolean;
}

/** What goes back: a JSON body or plain text. */
export interface ApiAnswer {
  readonly status: number;
  readonly body: Json;
  /** Sent instead of the body, as plain text that need not be any. */
  readonly bytes?: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A write that was accepted; the warnings go into `warning` headers. */
export interface Written<T extends JsonObject = JsonObject> {
  readonly object: T;
  readonly warnings: readonly string[];
}

/** The answer to an accepted write. What only was tried has no resourceVersion yet. */
export function answerWritten(status: number, { object, warnings }: Written): ApiAnswer {
  const headers: Record<string, string> =
    warnings.length === 0
      ? {}
      : { warning: warnings.map((text) => `299 - ${JSON.stringify(text)}`).join(", ") };
  const metadata = objectAt(object, "metadata");
  const tried = metadata["resourceVersion"] === "";
  return {
    status,
    body: tried ? { ...object, metadata: without(metadata, "resourceVersion") } : object,
    headers,
  };
}
