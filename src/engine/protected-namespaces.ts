import picomatch from "picomatch";
import { OWN_NAMESPACE } from "../model/incident-mark.ts";

/** Namespaces that no configuration can open: the platform's, ours, and those that keep our way in open. */
export const PROTECTED_NAMESPACES: readonly string[] = [
  "kube-*",
  "gatekeeper-system",
  OWN_NAMESPACE,
  "flux-system",
  "argocd",
  // What enforces policies and the network: whoever takes these down takes the guards down
  "kyverno",
  "cilium",
  "cilium-*",
  // AKS and its add-ons
  "calico-system",
  "tigera-operator",
  "app-routing-system",
  "aks-istio-*",
  "aks-command",
  "dataprotection-microsoft",
  // OpenShift
  "openshift",
  "openshift-*",
  // Arc
  "azure-arc",
  "azure-arc-release",
  "azure-extensions-usage-system",
  "mdc",
];

const isBuiltIn = picomatch([...PROTECTED_NAMESPACES]);
const OPENSHIFT = "/providers/microsoft.redhatopenshift/";
const LABEL = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;

/**
 * Is a namespace out of reach on this cluster? What Kubernetes would not take as a name (RFC 1123) is: so blanks, casing
 * and look-alikes never get as far as a pattern. `default` belongs to the platform on OpenShift, to its users elsewhere.
 */
export function isProtectedNamespace(
  namespace: string,
  cluster: string,
  configured: readonly string[],
): boolean {
  if (!LABEL.test(namespace) || isBuiltIn(namespace)) return true;
  if (namespace === "default" && cluster.toLowerCase().includes(OPENSHIFT)) return true;
  return picomatch.isMatch(namespace, [...configured], { nocase: true });
}
