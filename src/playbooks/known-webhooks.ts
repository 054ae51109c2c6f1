import type { WebhookConfiguration } from "../model/webhook.ts";

/** Beginnings of names under which platforms and well-known products keep their hooks. An attacker may take one too: then people look. */
const NAMES = [
  "admission-controller",
  "aks-",
  "argo",
  "autoscaling.openshift.io",
  "aws-",
  "azure-",
  "calico",
  "cdi-api-",
  "cert-manager",
  "cilium",
  "cluster-baremetal-",
  "container-security",
  "dapr",
  "defender",
  "external-secrets",
  "flux",
  "gatekeeper",
  "ingress-nginx",
  "istio",
  "keda",
  "kube-",
  "kyverno",
  "linkerd",
  "machine-api",
  "managed-",
  "mdc",
  "microsoft",
  "monitoring",
  "multus",
  "network-operator",
  "node-",
  "openshift",
  "performance-addon-operator",
  "pod-identity-webhook",
  "prometheus",
  "revision.",
  "secrets-store",
  "sre-",
  "tigera",
  "vpa-webhook-config",
  "validating-webhook-configuration",
  "mutating-webhook-configuration",
] as const;

/** Labels by which a platform says that a hook is its own, or that it is made anew. */
const LABELS = [
  "addonmanager.kubernetes.io/mode",
  "kubernetes.azure.com/managedby",
  "kubernetes.io/cluster-service",
  "gatekeeper.sh/system",
  "olm.owner",
  "hive.openshift.io/managed",
] as const;

/** Why a configuration is known and not touched, for the end of a sentence; null: it is not known. */
export function knownWebhook({ name, labels }: WebhookConfiguration): string | null {
  const beginning = NAMES.find((one) => name.startsWith(one));
  if (beginning !== undefined)
    return `is called like those of a platform or a well-known product (${beginning}…)`;
  const label = LABELS.find((key) => Object.hasOwn(labels, key));
  return label === undefined ? null : `belongs to a platform (label ${label})`;
}
