// The meaning of reflex-pod-rules: which rules are in force where is in the list of each action, and what breaks one newly
// is warned of or denied. Of our own namespace only pod templates are looked at that ask for it by a label.
import { judge, worded } from "./admission-params.ts";
import { containersOf, podSpecOf } from "./blocked-images.ts";
import { parseImageName } from "./image-name.ts";
import { type Json, type JsonObject, objectAt, stringAt, valueAt } from "./json-value.ts";
import { type KubeObject, labelsOf, namespaceOf } from "./kube-object.ts";
import type { ObjectStore } from "./object-store.ts";
import type { Resource } from "./resource-table.ts";

const word = "reflex-pod-rule";
const mostContainers = 100;
const asNamespace = "defender-reflex.dev/as-namespace";
const platform =
  /^(kube-.*|cilium-.*|aks-istio-.*|openshift-.*|gatekeeper-system|flux-system|argocd|kyverno|cilium|calico-system|tigera-operator|app-routing-system|aks-command|dataprotection-microsoft|openshift|azure-arc|azure-arc-release|azure-extensions-usage-system|mdc)$/;
const trustedProbe = "defender-reflex.invalid/trusted/";

/** Denies a pod, or what makes pods, that newly breaks a rule of where it is, or gives texts for the `warning` header. */
export function checkPodRules(
  store: ObjectStore,
  resource: Resource,
  object: KubeObject,
  old: KubeObject | undefined,
): string[] {
  const namespace = judgedNamespace(object);
  if (namespace === undefined) return [];
  return judge({ store, resource, object, old }, "reflex-pod-rules", (list) => {
    const entries = objectAt(list, "spec", "entries");
    const before = old === undefined ? [] : brokenIn(podSpecOf(resource, old), entries, namespace);
    const spec = podSpecOf(resource, object);
    const broken = brokenIn(spec, entries, namespace).filter((one) => !before.includes(one));
    const isActive = Object.keys(entries).some((key) => key.endsWith("/*") || key.endsWith(`/${namespace}`));
    const wasLarge = old !== undefined && containersOf(podSpecOf(resource, old)).length > mostContainers;
    return [
      ...(broken.length > 0
        ? [worded(`${word}: ${broken.join(", ")}`, `${word}: it breaks a rule for pods`)]
        : []),
      ...(containersOf(spec).length > mostContainers && isActive && !wasLarge
        ? [`${word}: more than ${mostContainers} containers in one pod are not looked through`]
        : []),
    ];
  });
}

/** The namespace whose rules count; undefined: it is not looked at. */
function judgedNamespace(object: KubeObject): string | undefined {
  const namespace = namespaceOf(object);
  const asked = labelsOf(object)[asNamespace];
  if (namespace === "defender-reflex") return typeof asked === "string" ? asked : undefined;
  return platform.test(namespace) ? undefined : namespace;
}

function brokenIn(spec: JsonObject, entries: JsonObject, namespace: string): string[] {
  const all = containersOf(spec);
  const containers = all.length > mostContainers ? [] : all;
  const keys = (rule: string) =>
    [`${rule}/*`, `${rule}/${namespace}`].filter((key) => Object.hasOwn(entries, key));
  const isOn = (rule: string): boolean => keys(rule).length > 0;
  const isLinux = stringAt(spec, "os", "name") !== "windows";
  const named = (rule: string, is: (container: Json) => boolean) =>
    containers.filter(is).map((container) => `${rule} ${stringAt(container, "name")}`);
  const context = (container: Json, field: string) => valueAt(container, "securityContext", field);
  const lists = keys("untrusted-registries").map((key) => [
    trustedProbe,
    ...stringAt(entries, key)
      .split(" ")
      .filter((part) => part.endsWith("/")),
  ]);
  const isTrusted = (container: Json): boolean =>
    lists.every((list) =>
      list.some((prefix) => {
        const image = stringAt(container, "image");
        return image.length <= 1024 && parseImageName(image).repository.startsWith(prefix);
      }),
    );
  return [
    ...(isOn("privileged") ? named("privileged", (one) => context(one, "privileged") === true) : []),
    ...(isOn("privilege-escalation") && isLinux
      ? named("privilege-escalation", (one) => context(one, "allowPrivilegeEscalation") !== false)
      : []),
    ...(isOn("writable-root") && isLinux
      ? named("writable-root", (one) => context(one, "readOnlyRootFilesystem") !== true)
      : []),
    ...(isOn("host-namespaces")
      ? ["hostPID", "hostIPC", "hostNetwork"]
          .filter((field) => spec[field] === true)
          .map((field) => `host-namespaces ${field}`)
      : []),
    ...(lists.length > 0 ? named("untrusted-registries", (one) => !isTrusted(one)) : []),
  ];
}
