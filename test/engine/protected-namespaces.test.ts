import { describe, expect, it } from "vitest";
import { isProtectedNamespace, PROTECTED_NAMESPACES } from "../../src/engine/protected-namespaces.ts";

const AKS = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c";
const ARO = "/subscriptions/s/resourceGroups/g/providers/Microsoft.RedHatOpenShift/OpenShiftClusters/c";

const isProtected = (namespace: string, configured: readonly string[] = [], cluster = AKS): boolean =>
  isProtectedNamespace(namespace, cluster, configured);

describe("protected namespaces", () => {
  it.each([
    "kube-system",
    "kube-public",
    "kube-node-lease",
    "gatekeeper-system",
    "defender-reflex",
    "flux-system",
    "argocd",
    "kyverno",
    "cilium",
    "cilium-secrets",
    "calico-system",
    "tigera-operator",
    "app-routing-system",
    "aks-istio-system",
    "aks-istio-ingress",
    "aks-command",
    "dataprotection-microsoft",
    "openshift",
    "openshift-operators",
    "openshift-azure-operator",
    "azure-arc",
    "azure-arc-release",
    "azure-extensions-usage-system",
    "mdc",
  ])("holds %s, on any cluster", (namespace) => {
    expect(isProtected(namespace)).toBe(true);
    expect(isProtected(namespace, [], ARO)).toBe(true);
  });

  it.each([
    "shop",
    "kube",
    "my-kube-system",
    "kubesystem",
    "openshiftx",
    "my-openshift",
    "mdc-2",
    "argocd-2",
    "kyverno-2",
    "ciliumx",
    "azure-arc-2",
    "a",
    "0",
    "default",
    `${"a".repeat(62)}z`,
  ])("leaves %s to its users", (namespace) => {
    expect(isProtected(namespace)).toBe(false);
  });

  it("takes default for the platform's on OpenShift only, whatever the casing of the cluster's id", () => {
    expect(isProtected("default", [], ARO)).toBe(true);
    expect(isProtected("default", [], ARO.toUpperCase())).toBe(true);
    expect(isProtected("default", [], AKS)).toBe(false);
    expect(isProtected("defaults", [], ARO)).toBe(false);
    expect(isProtected("shop", [], ARO)).toBe(false);
  });

  it.each([
    "",
    " ",
    "shop ",
    " shop",
    "shop\n",
    "Shop",
    "KUBE-SYSTEM",
    "kube-system\u0000",
    "kube\u200b-system",
    "ｋube-system",
    "kubе-system",
    "kube-system.",
    "shop/web",
    "shop.web",
    "-shop",
    "shop-",
    "..",
    "*",
    "a".repeat(64),
    "\ud800",
  ])("refuses %j, which Kubernetes would not take as a name", (namespace) => {
    expect(isProtected(namespace)).toBe(true);
  });

  it("holds what the file adds, as patterns in any casing", () => {
    expect(isProtected("payments-eu", ["lab", "Payments-*"])).toBe(true);
    expect(isProtected("lab", ["lab", "Payments-*"])).toBe(true);
    expect(isProtected("lab2", ["lab", "Payments-*"])).toBe(false);
    expect(isProtected("bank-b", ["bank-{a,b}"])).toBe(true);
  });

  it("cannot be opened by the file", () => {
    for (const pattern of PROTECTED_NAMESPACES) {
      expect(isProtected(pattern.replace("*", "x"), ["!kube-system", "!*"])).toBe(true);
    }
  });
});
