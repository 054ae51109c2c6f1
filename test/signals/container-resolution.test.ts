import { describe, expect, it } from "vitest";
import {
  alertOf,
  CLUSTER,
  chain,
  DIGEST,
  eventHubAlert,
  OTHER_CLUSTER,
  SUBSCRIPTION,
  signalOf,
} from "./alert-builder.ts";

type Json = Record<string, unknown>;

/** The chain with some of its entities changed, found by `$id`. */
function chainWith(changes: Record<string, Json>): Json[] {
  return chain().map((entity) => ({ ...entity, ...changes[String(entity.$id)] }));
}

describe("what a container alert is about", () => {
  it("is resolved along the chain of entities", () => {
    expect(alertOf(chain())).toMatchObject({
      cluster: { resourceId: CLUSTER },
      namespace: "shop",
      workload: { kind: "Deployment", name: "web" },
      pod: "web-1",
      container: "php",
      image: `registry.example.net/web@${DIGEST}`,
      digest: DIGEST,
      actionable: true,
    });
  });

  it("is the same whatever the order of the entities, and for types in any casing", () => {
    const other = chain()
      .reverse()
      .map((entity) => ({ ...entity, Type: String(entity.Type).toUpperCase() }));
    const { entities: _a, ...reversed } = alertOf(other);
    const { entities: _b, ...expected } = alertOf(chain());
    expect(reversed).toEqual(expected);
  });

  it("is found where every entity is defined inside another one", () => {
    const [resource, image, cluster, namespace, , pod, container] = chain();
    const inside = {
      ...container,
      Image: image,
      Pod: { ...pod, Namespace: { ...namespace, Cluster: { ...cluster, CloudResource: resource } } },
    };
    expect(alertOf([inside])).toMatchObject({
      pod: "web-1",
      namespace: "shop",
      cluster: { resourceId: CLUSTER },
      digest: DIGEST,
    });
  });

  it("is not a guess where a reference dangles: what needs it is null, and nothing throws", () => {
    expect(alertOf(chainWith({ "9": { Namespace: { $ref: "99" } } })).namespace).toBeNull();
    expect(alertOf(chainWith({ "10": { Pod: { $ref: "99" } } })).pod).toBeNull();
    expect(alertOf(chainWith({ "7": { Cluster: { $ref: "99" } } })).cluster).toBeNull();
    expect(alertOf(chainWith({ "6": { CloudResource: { $ref: "99" } } })).cluster).toBeNull();
    const noImage = alertOf(chainWith({ "10": { Image: { $ref: "99" } } }));
    expect(noImage).toMatchObject({ image: null, digest: null, actionable: true });
  });

  it("does not take ExtendedProperties in place of a reference that dangles", () => {
    const dangling = chainWith({ "8": { Namespace: { $ref: "99" } }, "9": { Namespace: { $ref: "99" } } });
    expect(alertOf(dangling, { ExtendedProperties: { Namespace: "shop" } }).namespace).toBeNull();
  });

  it("takes a reference to an entity of another type as dangling", () => {
    expect(alertOf(chainWith({ "9": { Namespace: { $ref: "5" } } })).namespace).toBeNull();
  });

  it("takes an object with more than a $ref for what it says itself", () => {
    const inline = { $ref: "99", Name: "shop", Type: "K8s-namespace" };
    expect(alertOf([{ Name: "web-1", Namespace: inline, Type: "K8s-pod" }]).namespace).toBe("shop");
  });

  it("is ambiguous where an $id that is needed stands twice", () => {
    const twice = [...chain(), { $id: "7", Name: "other", Type: "K8s-namespace" }];
    expect(alertOf(twice)).toMatchObject({ namespace: null, actionable: false, notActionable: "ambiguous" });
    const image = alertOf([...chain(), { $id: "5", ImageId: "other:1", Type: "container-image" }]);
    expect(image).toMatchObject({ image: null, digest: null, notActionable: "ambiguous" });
    const across = { ResourceIdentifiers: [{ $id: "7", AzureResourceId: CLUSTER, Type: "AzureResource" }] };
    expect(alertOf(chain(), across)).toMatchObject({ namespace: null, notActionable: "ambiguous" });
  });

  it("is not ambiguous where an $id stands twice that nothing needs", () => {
    const processes = [
      { $id: "20", ProcessId: "0x1", Type: "process" },
      { $id: "20", ProcessId: "0x2", Type: "process" },
      { $id: "21", ProcessId: "0x3", ParentProcess: { $ref: "20" }, Type: "process" },
    ];
    expect(alertOf([...chain(), ...processes])).toMatchObject({ pod: "web-1", actionable: true });
  });

  it("is ambiguous where pods, workloads, namespaces or clusters disagree", () => {
    const more = (entity: Json) => alertOf([...chain(), entity]);
    const at = { Namespace: { $ref: "7" } };
    expect(more({ Name: "web-2", ...at, Type: "K8s-pod" })).toMatchObject({
      pod: null,
      namespace: "shop",
      notActionable: "ambiguous",
    });
    expect(more({ Name: "api", ...at, Type: "K8s-deployment" })).toMatchObject({
      workload: null,
      notActionable: "ambiguous",
    });
    expect(more({ Name: "web", ...at, Type: "K8s-job" })).toMatchObject({
      workload: null,
      notActionable: "ambiguous",
    });
    expect(
      more({ Name: "web-1", Namespace: { Name: "b", Type: "K8s-namespace" }, Type: "K8s-pod" }),
    ).toMatchObject({
      pod: null,
      workload: null,
      namespace: null,
      notActionable: "ambiguous",
    });
    expect(
      more({ CloudResource: { ResourceId: OTHER_CLUSTER, Type: "azure-resource" }, Type: "K8s-cluster" }),
    ).toMatchObject({
      cluster: null,
      notActionable: "ambiguous",
    });
  });

  it("is not ambiguous where two entities say the same, clusters in another casing too", () => {
    const same = [
      { Name: "web-1", Namespace: { $ref: "7" }, Type: "K8s-pod" },
      { CloudResource: { ResourceId: CLUSTER.toUpperCase(), Type: "azure-resource" }, Type: "K8s-cluster" },
    ];
    expect(alertOf([...chain(), ...same])).toMatchObject({
      pod: "web-1",
      cluster: { resourceId: CLUSTER },
      actionable: true,
    });
  });

  it("is not ambiguous for several containers of one pod; which one is left open", () => {
    const second = {
      Name: "sidecar",
      Image: { ImageId: "proxy:2", Type: "container-image" },
      Pod: { $ref: "9" },
      Type: "container",
    };
    expect(alertOf([...chain(), second])).toMatchObject({
      pod: "web-1",
      container: null,
      image: null,
      digest: null,
      actionable: true,
    });
  });

  it("is null for a name with an asterisk: a pattern names no object", () => {
    expect(alertOf(chainWith({ "9": { Name: "web-*" } }))).toMatchObject({
      pod: null,
      notActionable: "pattern",
    });
    expect(alertOf(chainWith({ "8": { Name: "*" } }))).toMatchObject({
      workload: null,
      notActionable: "pattern",
    });
    expect(alertOf(chainWith({ "7": { Name: "shop-*" } }))).toMatchObject({
      namespace: null,
      notActionable: "pattern",
    });
  });
});

describe("the cluster of an alert", () => {
  it("is the resource identifier of a cluster type where the entities say nothing", () => {
    for (const type of [
      "Microsoft.ContainerService/managedClusters",
      "microsoft.kubernetes/CONNECTEDCLUSTERS",
      "Microsoft.RedHatOpenShift/openShiftClusters",
    ]) {
      const id = `${SUBSCRIPTION}/resourceGroups/rg/providers/${type}/c1`;
      expect(alertOf([], { AzureResourceId: id, ResourceIdentifiers: [] }).cluster).toEqual({
        resourceId: id,
      });
    }
  });

  it("is none for other types, and never the compromised entity or the node's scale set", () => {
    const vmss = `${SUBSCRIPTION}/resourceGroups/MC_rg/providers/Microsoft.Compute/virtualMachineScaleSets/vmss/virtualMachines/2`;
    const signal = alertOf([{ HostName: "node", AzureID: vmss, Type: "host" }], {
      AzureResourceId: vmss,
      ResourceIdentifiers: [],
    });
    expect(signal).toMatchObject({
      cluster: null,
      compromisedEntity: "aks-shop",
      resourceType: "microsoft.compute/virtualmachinescalesets/virtualmachines",
    });
  });

  it("is EffectiveAzureResourceId where nothing else says it", () => {
    const over = {
      AzureResourceId: null,
      ResourceIdentifiers: [],
      ExtendedProperties: { EffectiveAzureResourceId: CLUSTER },
    };
    expect(alertOf(undefined, over)).toMatchObject({
      cluster: { resourceId: CLUSTER },
      resourceIds: [CLUSTER],
      actionable: true,
    });
  });

  it("is the Arc identifier for a cluster of another cloud", () => {
    const arc = `${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Kubernetes/connectedClusters/gke`;
    const entities = [
      { CloudResource: { ProjectId: "p", ResourceName: "gke", Type: "gcp-resource" }, Type: "K8s-cluster" },
    ];
    expect(alertOf(entities, { AzureResourceId: arc, ResourceIdentifiers: [] }).cluster).toEqual({
      resourceId: arc,
    });
  });
});

describe("namespaces and service accounts", () => {
  const account = {
    $id: "20",
    Name: "system:serviceaccount:kube-system:reader",
    Namespace: { $ref: "21" },
    Type: "K8s-serviceaccount",
  };
  const kubeSystem = { $id: "21", Name: "kube-system", Type: "K8s-namespace" };

  it("takes the touched namespace of K8S_AnomalousSecretAccess from ExtendedProperties, not the account's", () => {
    const signal = alertOf([kubeSystem, account], {
      AlertType: "K8S_AnomalousSecretAccess",
      ExtendedProperties: { Namespace: "payments" },
    });
    expect(signal).toMatchObject({
      namespace: "payments",
      affectedNamespace: "payments",
      serviceAccount: "system:serviceaccount:kube-system:reader",
      actionable: true,
    });
  });

  it("does not take an account's namespace for the alert's", () => {
    expect(alertOf([kubeSystem, account])).toMatchObject({ namespace: null, affectedNamespace: null });
    const { Namespace: _namespace, ...bare } = account;
    expect(alertOf([kubeSystem, bare]).namespace).toBeNull();
  });

  it("takes no namespace from two entities of which an account uses one", () => {
    const other = { Name: "shop", Type: "K8s-namespace" };
    expect(alertOf([kubeSystem, account, other])).toMatchObject({ namespace: null, actionable: true });
  });

  it("takes no namespace from ExtendedProperties that name two under one name", () => {
    expect(alertOf([], { ExtendedProperties: { Namespace: "a", namespace: "b" } }).namespace).toBeNull();
    expect(alertOf([], { ExtendedProperties: { Namespace: "a", namespace: "a" } }).namespace).toBe("a");
  });

  it("names no affected namespace where it is the account's own", () => {
    expect(
      alertOf([kubeSystem, account], { ExtendedProperties: { Namespace: "kube-system" } }).affectedNamespace,
    ).toBeNull();
  });

  it("takes a namespace entity that stands alone", () => {
    expect(alertOf([kubeSystem]).namespace).toBe("kube-system");
  });

  it("takes the namespace of the workload where there is no pod", () => {
    const entities = [
      kubeSystem,
      { $id: "22", Name: "jobs", Type: "K8s-namespace" },
      { Name: "nightly", Namespace: { $ref: "22" }, Type: "K8s-cronjob" },
    ];
    expect(alertOf(entities)).toMatchObject({
      namespace: "jobs",
      workload: { kind: "CronJob", name: "nightly" },
      pod: null,
    });
  });

  it("is ambiguous for two namespaces that nothing uses", () => {
    expect(alertOf([kubeSystem, { Name: "b", Type: "K8s-namespace" }])).toMatchObject({
      namespace: null,
      notActionable: "ambiguous",
    });
  });

  it("leaves several service accounts open", () => {
    expect(alertOf([kubeSystem, account, { ...account, $id: "23", Name: "x" }])).toMatchObject({
      serviceAccount: null,
      actionable: true,
    });
  });
});

describe("objects that are neither pod nor workload", () => {
  const said = (properties: Record<string, string>) => alertOf([], { ExtendedProperties: properties }).object;
  const shop = { $id: "30", Name: "shop", Type: "K8s-namespace" };
  const service = { Name: "web", Namespace: { $ref: "30" }, Type: "K8s-service" };

  it("takes a cluster role binding by its own words, in any casing", () => {
    const binding = { kind: "ClusterRoleBinding", namespace: null, name: "ci-admin" };
    expect(said({ "Cluster role binding name": "ci-admin" })).toEqual(binding);
    expect(said({ "cluster Role Binding Name": "ci-admin" })).toEqual(binding);
    expect(said({ "Object kind": "clusterrolebinding", "Object name": "ci-admin" })).toEqual(binding);
  });

  it("takes an object of a namespace only together with that", () => {
    const name = { "Role binding name": "ci" };
    expect(said(name)).toBeNull();
    expect(said({ ...name, Namespace: "a/b" })).toBeNull();
    expect(said({ ...name, Namespace: "shop" })).toEqual({
      kind: "RoleBinding",
      namespace: "shop",
      name: "ci",
    });
  });

  it("takes a webhook configuration from the object that ExtendedProperties repeat", () => {
    for (const kind of ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"]) {
      expect(said({ "Object kind": kind, "Object name": "evil" })).toEqual({
        kind,
        namespace: null,
        name: "evil",
      });
    }
  });

  it("takes a service with its namespace, and leaves two open", () => {
    expect(alertOf([shop, service]).object).toEqual({ kind: "Service", namespace: "shop", name: "web" });
    expect(alertOf([shop, service, { ...service, Name: "db" }]).object).toBeNull();
    expect(alertOf([{ ...service, Namespace: { $ref: "99" } }]).object).toBeNull();
  });

  it("takes no pattern, no other kind, and nothing where two ways disagree", () => {
    expect(said({ "Cluster role binding name": "ci-*" })).toBeNull();
    expect(said({ "Object kind": "Secret", "Object name": "x" })).toBeNull();
    expect(said({ "Object kind": "__proto__", "Object name": "x" })).toBeNull();
    expect(
      said({ "Cluster role binding name": "a", "Object kind": "ClusterRoleBinding", "Object name": "b" }),
    ).toBeNull();
  });
});

describe("workloads and images", () => {
  it("takes the object of ExtendedProperties where no entity names a workload, and only workload kinds", () => {
    const object = (kind: string) =>
      alertOf([], { ExtendedProperties: { "Object kind": kind, "Object name": "thing" } });
    expect(object("DaemonSet").workload).toEqual({ kind: "DaemonSet", name: "thing" });
    expect(object("deployment").workload).toEqual({ kind: "Deployment", name: "thing" });
    expect(object("Service")).toMatchObject({ workload: null, pod: null });
    expect(object("Pod")).toMatchObject({ workload: null, pod: "thing" });
    expect(object("constructor").workload).toBeNull();
  });

  it("does not take a service for a workload", () => {
    expect(alertOf([{ Name: "lb", Type: "K8s-service" }]).workload).toBeNull();
  });

  it("has no digest for a tag, and one for a digest in the reference or beside it", () => {
    const image = (fields: Json) => alertOf([{ Type: "container-image", ...fields }]);
    expect(image({ ImageId: "ubuntu:18.04" })).toMatchObject({ image: "ubuntu:18.04", digest: null });
    expect(image({ ImageId: `host:5000/a@${DIGEST}` }).digest).toBe(DIGEST);
    expect(image({ ImageId: "a:1", Digest: DIGEST }).digest).toBe(DIGEST);
    expect(image({ ImageId: `a@${DIGEST}`, Digest: DIGEST.replace("0", "1") }).digest).toBeNull();
    expect(image({ ImageId: "a@sha256:short" }).digest).toBeNull();
  });

  it("takes the image that the container uses where the alert lists others too", () => {
    const images = [
      { $id: "5", ImageId: "a:1", Type: "container-image" },
      { $id: "6", ImageId: "b:1", Digest: DIGEST, Type: "container-image" },
    ];
    expect(alertOf([...images, { Name: "c", Image: { $ref: "6" }, Type: "container" }])).toMatchObject({
      image: "b:1",
      digest: DIGEST,
    });
    expect(alertOf(images).image).toBeNull();
  });

  it("takes no name that an entity gives twice in two casings", () => {
    expect(alertOf([{ Name: "a", name: "b", Type: "K8s-pod" }]).pod).toBeNull();
  });

  it("takes the container and its image from ExtendedProperties where no entity says them", () => {
    const over = { ExtendedProperties: { "Container name": "net", "Container image": "net:1" } };
    expect(alertOf([], over)).toMatchObject({ container: "net", image: "net:1" });
  });

  it("takes resourceType for the Azure kind, never for the Kubernetes kind beside it", () => {
    const over = {
      ExtendedProperties: { resourceType: "Kubernetes Service", "Resource type": "Deployment" },
    };
    expect(signalOf(eventHubAlert(over))).toMatchObject({
      resourceType: "microsoft.containerservice/managedclusters",
      workload: null,
    });
  });
});
