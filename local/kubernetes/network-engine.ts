/** Azure's engine of network policies as AKS runs it: by this DaemonSet it is known. On nodes that say their system. */
export const azureNpm = {
  apiVersion: "apps/v1",
  kind: "DaemonSet",
  metadata: { namespace: "kube-system", name: "azure-npm", labels: { app: "azure-npm" } },
  spec: {
    selector: { matchLabels: { "k8s-app": "azure-npm" } },
    template: {
      metadata: { labels: { "k8s-app": "azure-npm" } },
      spec: {
        nodeSelector: { "kubernetes.io/os": "linux" },
        containers: [{ name: "azure-npm", image: "mcr.microsoft.com/containernetworking/azure-npm:v1.5.45" }],
      },
    },
  },
};
