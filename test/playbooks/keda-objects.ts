import { installed } from "./cilium-objects.ts";

/** What KEDA's installation brings, as far as it is asked for. */
export const kedaInstalled = (): object => installed("keda.sh", "v1alpha1", "scaledobjects", "ScaledObject");

/** A ScaledObject of the namespace of the workloads that scales one of them; `more` is metadata. */
export function scaledObject(name: string, scales: object, more: object = {}): object {
  return {
    apiVersion: "keda.sh/v1alpha1",
    kind: "ScaledObject",
    metadata: { namespace: "shop", name, ...more },
    spec: {
      scaleTargetRef: scales,
      minReplicaCount: 1,
      triggers: [{ type: "cron", metadata: { timezone: "UTC", start: "0 8 * * *", end: "0 18 * * *" } }],
    },
  };
}
