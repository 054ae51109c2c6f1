// The meaning of reflex-block-images: a container image or image volume whose normalised name is a key of the list is
// denied, and so is what is too much to be looked through.
import { judge, worded } from "./admission-params.ts";
import { blockKeys, parseImageName } from "./image-name.ts";
import { type Json, type JsonObject, listAt, objectAt, stringAt } from "./json-value.ts";
import type { KubeObject } from "./kube-object.ts";
import type { ObjectStore } from "./object-store.ts";
import type { Resource } from "./resource-table.ts";

const word = "reflex-blocked-image";
const mostImages = 300;
const longestReference = 1024;

/**
 * Denies an object that brings a blocked image in, or gives texts for the `warning` header. Images that the old object
 * had already pass, so relabelling what runs is possible.
 */
export function checkImages(
  store: ObjectStore,
  resource: Resource,
  object: KubeObject,
  old: KubeObject | undefined,
): string[] {
  return judge({ store, resource, object, old }, "reflex-block-images", (list) => {
    const spec = podSpecOf(resource, object);
    const tooMany = placesOf(spec).length > mostImages;
    const before = old === undefined ? [] : imagesOf(podSpecOf(resource, old));
    const added = tooMany ? [] : imagesOf(spec).filter((image) => !before.includes(image));
    const fresh = added.filter((image) => image.length <= longestReference);
    const entries = { ...objectAt(list, "data"), ...objectAt(list, "spec", "entries") };
    const bad = fresh.filter((image) =>
      blockKeys(parseImageName(image)).some((key) => Object.hasOwn(entries, key)),
    );
    return [
      ...(bad.length > 0
        ? [worded(`${word}: ${bad.join(", ")}`, `${word}: one of its images is blocked`)]
        : []),
      ...(tooMany
        ? [`${word}: more than ${mostImages} containers and volumes in one pod are not looked through`]
        : []),
      ...(fresh.length < added.length
        ? [`${word}: a reference to an image with more than ${longestReference} characters is not looked at`]
        : []),
    ];
  });
}

/** The specification of the pod, or of the pods that an object makes. */
export function podSpecOf(resource: Resource, object: JsonObject): JsonObject {
  return objectAt(object, ...(resource.plural === "pods" ? [] : (resource.template ?? [])), "spec");
}

/** All containers of a pod's specification. */
export function containersOf(spec: JsonObject): readonly Json[] {
  return ["containers", "initContainers", "ephemeralContainers"].flatMap((field) => listAt(spec, field));
}

/** All images of a pod's specification, as written. */
export function imagesOf(spec: JsonObject): string[] {
  return [
    ...containersOf(spec).map((container) => stringAt(container, "image")),
    ...listAt(spec, "volumes").map((volume) => stringAt(volume, "image", "reference")),
  ].filter((image) => image !== "");
}

function placesOf(spec: JsonObject): readonly Json[] {
  return [...containersOf(spec), ...listAt(spec, "volumes")];
}
