import type { ObjectIdentity } from "./kubernetes-objects.ts";
import type { Precondition } from "./kubernetes-port.ts";

/** A ScaledObject of KEDA, as far as it tells what it scales. */
export interface ScaledObject extends ObjectIdentity {
  /** The kind and name of what it scales; of which API group is not looked at. */
  readonly scales: { readonly kind: string; readonly name: string };
}

/** How ScaledObjects are read. */
export interface ScaledObjectReader {
  /** Null where it is not there, or KEDA is not installed. */
  scaledObject(namespace: string, name: string): Promise<ScaledObject | null>;
  /** None where KEDA is not installed; `unread` where our identity may not ask. */
  scaledObjects(namespace: string): Promise<readonly ScaledObject[] | "unread">;
}

/** How ScaledObjects are changed. */
export interface ScaledObjectWriter {
  /** Sets (text) and removes (null) labels and annotations in one conditional change; nothing else of it is written. */
  annotateScaledObject(
    namespace: string,
    name: string,
    condition: Precondition,
    change: {
      readonly labels: Readonly<Record<string, string | null>>;
      readonly annotations: Readonly<Record<string, string | null>>;
    },
  ): Promise<ScaledObject>;
}
