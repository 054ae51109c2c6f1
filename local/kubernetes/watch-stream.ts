import type { ApiRequest } from "./api-request.ts";
import type { Json } from "./json-value.ts";
import { namespaceOf } from "./kube-object.ts";
import type { StoreEvent } from "./object-store.ts";
import { selection } from "./read-objects.ts";

/** Starts sending events to a writer; the returned function stops it. */
export type Watch = (send: (event: Json) => void) => () => void;

/**
 * A watch over a list: every change after the given resourceVersion, or, without one, first an ADDED for each object
 * that is there. An object that stops (starts) matching the selectors shows as DELETED (ADDED). No bookmarks.
 */
export function watchObjects(request: ApiRequest): Watch {
  const { store, resource, namespace, query } = request;
  const selects = selection(request);
  const from = query.get("resourceVersion") ?? "";
  return (send) => {
    const pass = (event: StoreEvent) => {
      if (event.resource !== resource) return;
      if (namespace !== undefined && namespaceOf(event.object) !== namespace) return;
      const type = seenAs(event, selects);
      if (type !== undefined) send({ type, object: event.object });
    };
    if (from === "" || from === "0") {
      for (const object of store.list(resource, namespace).filter(selects)) send({ type: "ADDED", object });
    } else {
      for (const event of store.events) if (event.version > Number(from)) pass(event);
    }
    return store.listen(pass);
  };
}

function seenAs(
  event: StoreEvent,
  selects: (object: StoreEvent["object"]) => boolean,
): StoreEvent["type"] | undefined {
  const before = event.previous !== undefined && selects(event.previous);
  const after = event.type !== "DELETED" && selects(event.object);
  if (before && after) return "MODIFIED";
  if (after) return "ADDED";
  return before ? "DELETED" : undefined;
}
