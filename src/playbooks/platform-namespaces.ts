const NAMES = new Set([
  "gatekeeper-system",
  "defender-reflex",
  "flux-system",
  "argocd",
  "kyverno",
  "cilium",
  "calico-system",
  "tigera-operator",
  "app-routing-system",
  "aks-command",
  "dataprotection-microsoft",
  "openshift",
  "azure-arc",
  "azure-arc-release",
  "azure-extensions-usage-system",
  "mdc",
]);
const PREFIXES = ["kube-", "cilium-", "aks-istio-", "openshift-"];

/**
 * Is it a namespace that no configuration can open? The same ones as in the guard, which a test compares: a playbook
 * that acts upon a whole cluster has to know them too.
 */
export function isPlatformNamespace(namespace: string): boolean {
  return NAMES.has(namespace) || PREFIXES.some((prefix) => namespace.startsWith(prefix));
}
