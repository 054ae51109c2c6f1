import { isObject, type Json, type JsonObject, sameJson, without } from "./json-value.ts";
import { namespaceOf } from "./kube-object.ts";
import type { StoreEvent } from "./object-store.ts";

/** One field that a request changed; an absent side is left out. The path is empty for a whole object. */
interface Change {
  readonly path: string;
  readonly before?: Json;
  readonly after?: Json;
}

/** One object that a request changed. What the controllers do afterwards is nobody's request and not listed. */
export interface RecordedEffect {
  readonly verb: string;
  readonly plural: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly user: string;
  readonly changes: readonly Change[];
}

/** The effect of one stored change. Dry runs and changes that change nothing store none, so they have none. */
export function effectOf(
  event: StoreEvent,
  by: Pick<RecordedEffect, "verb" | "subresource" | "user">,
): RecordedEffect {
  const { object, previous, resource, type } = event;
  return {
    verb: by.verb,
    subresource: by.subresource,
    user: by.user,
    plural: resource.plural,
    namespace: namespaceOf(object),
    name: object.metadata.name,
    uid: object.metadata.uid,
    changes: changesOf(type, previous, object),
  };
}

function changesOf(type: StoreEvent["type"], previous: JsonObject | undefined, object: JsonObject): Change[] {
  if (type === "ADDED" || previous === undefined) return [{ path: "", after: object }];
  if (type === "DELETED") return [{ path: "", before: previous }];
  return differences("", withoutBookkeeping(previous), withoutBookkeeping(object));
}

function withoutBookkeeping(object: JsonObject): JsonObject {
  const metadata = object["metadata"];
  if (!isObject(metadata)) return object;
  return { ...object, metadata: without(metadata, "resourceVersion", "generation", "managedFields") };
}

function differences(path: string, before: JsonObject, after: JsonObject): Change[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return keys.flatMap((key): Change[] => {
    const [old, now] = [before[key], after[key]];
    const here = `${path}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    if (sameJson(old, now)) return [];
    if (isObject(old) && isObject(now)) return differences(here, old, now);
    return [
      {
        path: here,
        ...(old === undefined ? {} : { before: old }),
        ...(now === undefined ? {} : { after: now }),
      },
    ];
  });
}
