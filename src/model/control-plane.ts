import type { Labels } from "./kubernetes-objects.ts";

const ROLES = ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"];

/** Does a node with these labels run the control plane? The label alone says so, whatever its value. */
export function isControlPlane(labels: Labels): boolean {
  return ROLES.some((role) => Object.hasOwn(labels, role));
}
