import { describe, expect, it } from "vitest";
import { alertOf, CLUSTER, DIGEST, OTHER_CLUSTER, SUBSCRIPTION } from "./alert-builder.ts";

type Json = Record<string, unknown>;
const NO_IDENTIFIER = { AzureResourceId: SUBSCRIPTION, ResourceIdentifiers: [] };
const OTHER_DIGEST = `sha256:${"f".repeat(64)}`;

describe("the cluster of an alert", () => {
  it("is the Arc identifier for a cluster at Amazon, too", () => {
    const arc = `${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Kubernetes/connectedClusters/eks`;
    const entities = [
      { $id: "3", AmazonResourceId: "arn:aws:eks:eu-west-1:1:cluster/eks", Type: "aws-resource" },
      { $id: "4", CloudResource: { $ref: "3" }, Type: "K8s-cluster" },
    ];
    const over = { AzureResourceId: arc, ResourceIdentifiers: [] };
    expect(alertOf(entities, over).cluster).toEqual({ resourceId: arc });
  });

  it("is the resource that an entity names where neither chain nor identifier names one", () => {
    const entities = [{ ResourceId: CLUSTER, Type: "azure-resource" }];
    expect(alertOf(entities, NO_IDENTIFIER).cluster).toEqual({ resourceId: CLUSTER });
    const two = [...entities, { ResourceId: OTHER_CLUSTER, Type: "azure-resource" }];
    expect(alertOf(two, NO_IDENTIFIER)).toMatchObject({ cluster: null, notActionable: "ambiguous" });
  });

  it("is written as the chain writes it where the identifier has another casing", () => {
    const entities = [
      { $id: "3", ResourceId: CLUSTER, Type: "azure-resource" },
      { $id: "4", CloudResource: { $ref: "3" }, Type: "K8s-cluster" },
    ];
    const over = { AzureResourceId: CLUSTER.toUpperCase(), ResourceIdentifiers: [] };
    expect(alertOf(entities, over).cluster).toEqual({ resourceId: CLUSTER });
  });

  it("is that of the identifier where a namespace does not say its cluster", () => {
    for (const Cluster of [undefined, null]) {
      expect(alertOf([{ Name: "shop", Cluster, Type: "K8s-namespace" }]).cluster).toEqual({
        resourceId: CLUSTER,
      });
    }
  });

  it("is left open where a namespace has a name or a number in the place of its cluster", () => {
    for (const Cluster of ["aks-shop", 6]) {
      expect(alertOf([{ Name: "shop", Cluster, Type: "K8s-namespace" }])).toMatchObject({
        namespace: "shop",
        cluster: null,
      });
    }
  });
});

describe("references among entities", () => {
  it("may be numbers", () => {
    const entities = [
      { $id: 7, Name: "shop", Type: "K8s-namespace" },
      { Name: "web-1", Namespace: { $ref: 7 }, Type: "K8s-pod" },
    ];
    expect(alertOf(entities).namespace).toBe("shop");
  });

  it("are no objects that have a single field of another name", () => {
    const entities = [{ Name: "web-1", Namespace: { Type: "K8s-namespace" }, Type: "K8s-pod" }];
    expect(alertOf(entities, { ExtendedProperties: { Namespace: "shop" } }).namespace).toBe("shop");
  });
});

describe("the image of an alert", () => {
  const image = (name: string, more: Json = {}): Json => ({
    ImageId: `registry.example.net/${name}`,
    Type: "container-image",
    ...more,
  });
  const imageOf = (entities: Json[], ExtendedProperties: Json = {}) => {
    const signal = alertOf(entities, { ExtendedProperties });
    return [signal.image, signal.digest];
  };

  it("may be text in the container, and then the images listed beside it do not count", () => {
    const container = { Image: `registry.example.net/web@${DIGEST}`, Type: "container" };
    expect(imageOf([container, image("other")])).toEqual([`registry.example.net/web@${DIGEST}`, DIGEST]);
  });

  it("must agree between a container that writes it and one that points to it", () => {
    const entities = [
      { Image: "registry.example.net/web", Type: "container" },
      { Image: { $ref: "5" }, Type: "container" },
      image("web", { $id: "5" }),
      image("unused"),
    ];
    expect(imageOf(entities)).toEqual(["registry.example.net/web", null]);
  });

  it("is one that the alert lists, then one of ExtendedProperties, where the container says none", () => {
    const container = { Name: "php", Type: "container" };
    expect(imageOf([container, image("web")], { "Container image": "said" })).toEqual([
      "registry.example.net/web",
      null,
    ]);
    expect(imageOf([container], { "Container image": "said" })).toEqual(["said", null]);
  });

  it("has a digest beside a reference that is not there, and none where references differ", () => {
    const nameless = { Digest: DIGEST, Type: "container-image" };
    expect(imageOf([nameless])).toEqual([null, DIGEST]);
    const same = { Digest: DIGEST };
    expect(imageOf([image("web", same), image("shop", same)])).toEqual([null, null]);
    expect(imageOf([image("web", same), image("web", { Digest: OTHER_DIGEST })])).toEqual([
      "registry.example.net/web",
      null,
    ]);
  });
});

describe("the namespace of an alert", () => {
  const kubeSystem = { $id: "21", Name: "kube-system", Type: "K8s-namespace" };
  const account = (Name?: string, more: Json = {}): Json => ({ Name, Type: "K8s-serviceaccount", ...more });

  it("may be text in the pod", () => {
    expect(alertOf([{ Name: "web-1", Namespace: "shop", Type: "K8s-pod" }]).namespace).toBe("shop");
  });

  it("is not one that an account with a short name points to", () => {
    const reader = account("reader", { Namespace: { $ref: "21" } });
    expect(alertOf([kubeSystem, reader]).namespace).toBeNull();
  });

  it("belongs to an account only by a whole name of a service account", () => {
    expect(alertOf([kubeSystem, account("system:serviceaccount:kube-system:reader")]).namespace).toBeNull();
    for (const other of [
      "user:serviceaccount:kube-system:reader",
      "system:node:kube-system:reader",
      "system:serviceaccount:kube-system",
      "system:serviceaccount:kube-system:reader:more",
      undefined,
    ]) {
      expect(alertOf([kubeSystem, account(other)]).namespace).toBe("kube-system");
    }
  });

  it("is ambiguous where two stand beside that of the account", () => {
    const entities = [
      kubeSystem,
      account("system:serviceaccount:kube-system:reader"),
      { Name: "a", Type: "K8s-namespace" },
      { Name: "b", Type: "K8s-namespace" },
    ];
    expect(alertOf(entities)).toMatchObject({ namespace: null, notActionable: "ambiguous" });
  });

  it("is affected elsewhere only where every account is known to be of another one", () => {
    const touched = (accounts: Json[]) =>
      alertOf(accounts, { ExtendedProperties: { Namespace: "payments" } }).affectedNamespace;
    const elsewhere = account("system:serviceaccount:kube-system:reader");
    expect(touched([elsewhere])).toBe("payments");
    expect(touched([elsewhere, account("system:serviceaccount:payments:reader")])).toBeNull();
    expect(touched([account("reader")])).toBeNull();
  });

  it("is said in ExtendedProperties though the name stands there in another casing without a text", () => {
    const ExtendedProperties = { Namespace: 5, namespace: "shop" };
    expect(alertOf([], { ExtendedProperties }).namespace).toBe("shop");
  });
});

describe("the workload of an alert", () => {
  it("is an entity whose type says Kubernetes, not any entity of that word", () => {
    expect(alertOf([{ Name: "web", Type: "K8s-deployment" }]).workload).toEqual({
      kind: "Deployment",
      name: "web",
    });
    expect(alertOf([{ Name: "web", Type: "deployment" }]).workload).toBeNull();
    const ExtendedProperties = { "Object kind": "CronK8s-Job", "Object name": "web" };
    expect(alertOf([], { ExtendedProperties }).workload).toBeNull();
  });
});
