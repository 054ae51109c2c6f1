import { describe, expect, it } from "vitest";
import { resources } from "../../local/kubernetes/resource-table.ts";
import { OPT_OUT } from "../../src/engine/guard.ts";
import { LIST_GROUP, LIST_RESOURCE } from "../../src/model/admission-list.ts";
import { isControlPlane } from "../../src/model/control-plane.ts";
import {
  BLOCK_LIST,
  EGRESS_LABEL,
  INCIDENT_LABEL,
  OWN_NAMESPACE,
  SESSION_LIST,
} from "../../src/model/incident-mark.ts";
import { POD_RULE_LISTS } from "../../src/model/pod-rules.ts";
import { denyByCalico } from "../../src/playbooks/deny-by-calico.ts";
import { denyByOvn } from "../../src/playbooks/deny-by-ovn.ts";
import { playbooks } from "../../src/playbooks/index.ts";
import { pin, pinVerdict } from "./pin-verdict.ts";
import { labelled, node, OURS, pod, policy, type Request } from "./pinned-requests.ts";
import { account, binding, group, hook, runner, service, user, webhooks } from "./rights-objects.ts";

const ID = "0a1b2c";
const MARK = { [INCIDENT_LABEL]: ID };
const RESTRICTED = { [EGRESS_LABEL]: ID };

const NAMESPACE = /^reflex-pinned-identity: it writes no [a-z]+ in (the whole cluster|namespace .+)$/;
const POD = /^reflex-pinned-identity: it ends pods and labels them/;
const NODE = /^reflex-pinned-identity: it marks and cordons nodes/;
const POLICY = /^reflex-pinned-identity: it writes only network policies with its own label$/;
const BINDING = /^reflex-pinned-identity: it deletes role bindings that are not the platform's/;
const ACCOUNT = /^reflex-pinned-identity: it deletes service accounts and makes them anew/;
const SERVICE = /^reflex-pinned-identity: it marks services and sets who reaches them/;
const HOOK = /^reflex-pinned-identity: it marks webhooks and says which objects/;
const TEMPLATE = /^reflex-pinned-identity: it tries pod templates in its own namespace/;
const ADMIN = /^reflex-pinned-identity: it makes admin network policies that deny one pod everything/;
const CALICO = /^reflex-pinned-identity: of Calico's network policies it writes those that only deny/;
const CONNECTION = /^reflex-pinned-identity: it opens no connection/;

const plain = pod({ app: "web" });
const relabel = (to: object, from = plain): Request => ({ object: to, oldObject: from });
const image = pod(
  { app: "web" },
  { spec: { ...plain.spec, containers: [{ name: "web", image: "evil:1", ports: [{ containerPort: 80 }] }] } },
);
const cordoned = node(MARK, { podCIDR: "10.0.0.0/24", unschedulable: true });
const onNode: Request = { resource: "nodes", namespace: undefined, name: "n1" };
const onPolicy = { group: "networking.k8s.io", resource: "networkpolicies", name: "reflex-isolate-x" };
/** An AdminNetworkPolicy as isolate-pod makes it, with parts of the specification replaced. */
const admin = (
  more: object = {},
  namespace = "shop",
  mark: Readonly<Record<string, string>> = MARK,
): object => ({
  metadata: { labels: mark },
  spec: { ...denyByOvn.specOf(ID, namespace, 0), ...more },
});
const onAdmin: Request = {
  group: "policy.networking.k8s.io",
  resource: "adminnetworkpolicies",
  namespace: undefined,
  name: `reflex-deny-${ID}`,
  operation: "CREATE",
};
const subject = (pods: object): object => admin({ subject: { pods } });
const inShop = { matchLabels: { "kubernetes.io/metadata.name": "shop" } };
const calico = (more: object = {}): object => ({
  metadata: { labels: MARK },
  spec: { ...denyByCalico.specOf(ID, "shop", 0), ...more },
});
const onCalico: Request = { ...onPolicy, group: "projectcalico.org", operation: "CREATE" };
const onScale: Request = { group: "apps", resource: "deployments" };
const onBinding: Request = {
  group: "rbac.authorization.k8s.io",
  resource: "clusterrolebindings",
  namespace: undefined,
  name: "ci-admin",
  operation: "DELETE",
  oldObject: binding(null, "ci-admin"),
};
const onAccount: Request = {
  resource: "serviceaccounts",
  name: "ci",
  object: account("ci", { labels: MARK }),
};
const onService: Request = { resource: "services", name: "web", oldObject: service("web") };
const evil = webhooks("MutatingWebhookConfiguration", "evil");
const onHook: Request = {
  group: "admissionregistration.k8s.io",
  resource: "mutatingwebhookconfigurations",
  namespace: undefined,
  name: "evil",
  oldObject: evil,
};
const disabled = webhooks("MutatingWebhookConfiguration", "evil", {
  labels: { team: "x", ...MARK },
  hooks: [hook("a.evil.example.org", { matchLabels: { a: "b" } }), hook("b.evil.example.org", {})],
});
const hooked = (...hooks: object[]): Request => ({
  ...onHook,
  object: webhooks("MutatingWebhookConfiguration", "evil", { hooks }),
});
const onList: Request = {
  group: LIST_GROUP,
  resource: LIST_RESOURCE,
  namespace: OWN_NAMESPACE,
  name: BLOCK_LIST,
};
const onEarlierList: Request = { resource: "configmaps", namespace: OWN_NAMESPACE, name: BLOCK_LIST };
const trying: Request = {
  operation: "CREATE",
  resource: "podtemplates",
  namespace: OWN_NAMESPACE,
  name: undefined,
  object: { metadata: {}, template: {} },
  dryRun: true,
};

function bound(more: Parameters<typeof binding>[2]): Request {
  return { ...onBinding, oldObject: binding(null, "ci-admin", more) };
}

describe("the names in the pin", () => {
  it("are none that CEL keeps for itself, which an API server would refuse", () => {
    const kept =
      /^(as|break|const|continue|else|false|for|function|if|import|in|let|loop|namespace|null|package|return|true|var|void|while)$/;
    const names = [...JSON.stringify(pin).matchAll(/variables\.(\w+)/g)].map(([, name = ""]) => name);
    expect(names.length).toBeGreaterThan(20);
    expect(names.filter((name) => kept.test(name))).toEqual([]);
  });
});

describe("whom the pin concerns", () => {
  it.each([
    "system:serviceaccount:defender-reflex:defender-reflex2",
    "system:serviceaccount:defender-reflex:default",
    "system:serviceaccount:shop:defender-reflex",
    "system:serviceaccount:defender-reflex-2:defender-reflex",
    "system:serviceaccount:defender-reflex",
    "System:serviceaccount:defender-reflex:defender-reflex",
    " system:serviceaccount:defender-reflex:defender-reflex",
    "defender-reflex",
    "system:serviceaccount:kube-system:replicaset-controller",
    "11111111-2222-4333-8444-555555555555",
    "ada@example.org",
    "",
    undefined,
  ])("not the user %j, whatever is done", (username) => {
    for (const namespace of ["shop", "kube-system", "", undefined]) {
      expect(pinVerdict({ username, namespace, ...relabel(image) })).toBeNull();
      expect(pinVerdict({ ...onPolicy, username, namespace, operation: "DELETE" })).toBeNull();
    }
  });

  it.each([OURS, "00000000-0000-0000-0000-000000000000"])("the user %s", (username) => {
    expect(pinVerdict({ username, ...relabel(labelled(plain, MARK)) })).toEqual([]);
    expect(pinVerdict({ username, ...relabel(image) })).toEqual([expect.stringMatching(POD)]);
  });
});

describe("what the pinned identity may do", () => {
  it.each<[string, Request]>([
    ["mark a pod", relabel(labelled(plain, MARK))],
    ["mark a pod that has no labels", relabel(pod(MARK), pod())],
    ["mark a pod and take a label off by which others let traffic through", relabel(pod(MARK))],
    ["restrict a pod and take a label off by which others let traffic out", relabel(pod(RESTRICTED))],
    ["isolate a pod that is restricted", relabel(pod(MARK), pod({ app: "web", ...RESTRICTED }))],
    ["take the mark off and put the label back", relabel(plain, pod(MARK))],
    ["put the label back where somebody took our mark off", relabel(plain, pod({}))],
    [
      "annotate a pod as ours",
      relabel(pod({ app: "web" }, { annotations: { "defender-reflex.dev/a": "b" } })),
    ],
    ["delete a pod", { operation: "DELETE", object: null, oldObject: plain }],
    ["evict a pod", { operation: "CREATE", subResource: "eviction", object: {}, oldObject: null }],
    ["create a network policy with our label", { ...onPolicy, operation: "CREATE", object: policy(MARK) }],
    ["delete one with our label", { ...onPolicy, operation: "DELETE", oldObject: policy(MARK) }],
    ["deny a pod everything by an admin policy", { ...onAdmin, object: admin() }],
    ["delete that one", { ...onAdmin, operation: "DELETE", oldObject: admin() }],
    ["deny a pod everything by a policy of Calico's", { ...onCalico, object: calico() }],
    ["the same where Calico writes the tier", { ...onCalico, object: calico({ tier: "default" }) }],
    ["delete one of Calico's", { ...onCalico, operation: "DELETE", oldObject: calico() }],
    ["change one that keeps our label", { ...onPolicy, object: policy(MARK), oldObject: policy(MARK) }],
    [
      "change the list of sessions",
      { ...onList, name: SESSION_LIST, object: { spec: { entries: { a: "b" } } }, oldObject: {} },
    ],
    ["change the block list", { ...onList, object: { spec: { entries: { a: "b" } } }, oldObject: {} }],
    ["change the block list in its earlier form", { ...onEarlierList, object: { data: {} }, oldObject: {} }],
    ["change the pod rules that warn", { ...onList, name: POD_RULE_LISTS.warn, object: {}, oldObject: {} }],
    ["change the pod rules that deny", { ...onList, name: POD_RULE_LISTS.deny, object: {}, oldObject: {} }],
    ["try a pod template without storing it", trying],
    ["mark and cordon a node", { ...onNode, object: cordoned, oldObject: node() }],
    ["delete a cluster role binding", onBinding],
    ["delete one without subjects", { ...onBinding, oldObject: { metadata: {}, roleRef: {} } }],
    ["delete one that gives rights to anybody", bound({ subjects: [group("system:unauthenticated")] })],
    [
      "delete a role binding",
      { ...onBinding, resource: "rolebindings", namespace: "shop", oldObject: binding("shop", "ci-admin") },
    ],
    [
      "delete a service account",
      { ...onAccount, operation: "DELETE", object: null, oldObject: account("ci") },
    ],
    ["make one anew", { ...onAccount, operation: "CREATE" }],
    [
      "restrict a service",
      {
        ...onService,
        object: service(
          "web",
          { loadBalancerSourceRanges: ["192.0.2.0/32"] },
          { labels: { team: "x", ...MARK } },
        ),
      },
    ],
    ["have webhooks select nothing", { ...onHook, object: disabled }],
    ["have them select again", { ...onHook, object: evil, oldObject: disabled }],
    ["take that back", { ...onNode, object: node(), oldObject: cordoned }],
  ])("%s", (_what, request) => {
    expect(pinVerdict(request)).toEqual([]);
  });

  it("everything that the playbooks declare, where nothing is protected", () => {
    const writes = playbooks.flatMap(({ permissions }) =>
      permissions.kubernetes.flatMap(({ verbs, ...right }) =>
        verbs.filter((verb) => !["get", "list", "watch"].includes(verb)).map((verb) => ({ ...right, verb })),
      ),
    );
    for (const { apiGroup, resource, verb, namespace, resourceNames } of writes) {
      // What Calico's API server asks for beside the policies is no resource that could be written.
      if (resource === "tier.networkpolicies") continue;
      const [name = "", subResource] = resource.split("/");
      const kind = resources.find(({ group, plural }) => group === apiGroup && plural === name);
      expect([resource, kind?.namespaced]).toEqual([resource, expect.any(Boolean)]);
      const at = kind?.namespaced === true ? (namespace ?? "shop") : undefined;
      const marked =
        apiGroup === onAdmin.group
          ? admin()
          : apiGroup === "projectcalico.org"
            ? calico()
            : { metadata: { labels: MARK }, spec: {} };
      const operations = new Map([
        ["create", { operation: "CREATE", object: marked }],
        ["patch", { operation: "UPDATE", object: marked, oldObject: marked }],
        ["delete", { operation: "DELETE", oldObject: marked }],
      ]);
      const request = {
        ...operations.get(verb),
        group: apiGroup,
        resource: name,
        subResource,
        namespace: at,
        // A pod template is only ever tried.
        dryRun: name === "podtemplates" ? true : undefined,
      };
      expect([
        verb,
        resource,
        pinVerdict({ ...request, name: resourceNames?.[0] ?? `reflex-deny-${ID}` }),
      ]).toEqual([verb, resource, []]);
    }
    expect(writes.length).toBeGreaterThan(3);
  });
});

describe("what the pin denies", () => {
  const owners = [{ kind: "ReplicaSet", uid: "u" }];
  it.each<[string, RegExp, Request]>([
    ["another image of a pod", POD, relabel(image)],
    ["another image beside a label", POD, relabel(labelled(image, MARK))],
    ["a container more", POD, relabel(pod({ app: "web" }, { spec: { containers: [], volumes: [] } }))],
    ["a specification that is gone", POD, relabel({ metadata: { labels: MARK } })],
    ["an object that is not there", POD, { object: null, oldObject: plain }],
    ["an old object that is not there", POD, { object: plain, oldObject: null }],
    ["another value of somebody's label", POD, relabel(pod({ app: "db", ...MARK }))],
    ["somebody's label taken off without our mark", POD, relabel(pod({}))],
    ["taken off with an empty mark", POD, relabel(pod({ [INCIDENT_LABEL]: "" }))],
    ["taken off together with the mark", POD, relabel(pod({}), labelled(plain, MARK))],
    ["opting a pod out", POD, relabel(labelled(plain, { [OPT_OUT]: "true" }))],
    ["opting a pod in", POD, relabel(labelled(plain, MARK), labelled(plain, { [OPT_OUT]: "true" }))],
    ["an annotation of somebody", POD, relabel(pod({ app: "web" }, { annotations: { a: "b" } }))],
    ["opting out by annotation", POD, relabel(pod({ app: "web" }, { annotations: { [OPT_OUT]: "true" } }))],
    ["another owner of a pod", POD, relabel(pod({ app: "web" }, { ownerReferences: owners }))],
    ["a finalizer on a pod", POD, relabel(pod({ app: "web" }, { finalizers: ["a/b"] }))],
    [
      "another finalizer",
      POD,
      relabel(pod({ app: "web" }, { finalizers: ["a/b"] }), pod({ app: "web" }, { finalizers: ["a/c"] })),
    ],
    ["an annotation taken off", POD, relabel(plain, pod({ app: "web" }, { annotations: { a: "b" } }))],
    ["a pod of which only the new state is known", POD, { object: { metadata: { labels: MARK } } }],
    ["something below a pod deleted", POD, { operation: "DELETE", subResource: "status", oldObject: plain }],
    ["a new pod", POD, { operation: "CREATE", object: plain, oldObject: null }],
    ["an ephemeral container", POD, { subResource: "ephemeralcontainers", ...relabel(plain) }],
    ["the status of a pod", POD, { subResource: "status", ...relabel(plain) }],
    ["a pod bound to a node", POD, { operation: "CREATE", subResource: "binding", object: {} }],
    [
      "somebody's network policy deleted",
      POLICY,
      { ...onPolicy, operation: "DELETE", oldObject: policy({}) },
    ],
    ["all network policies at once", POLICY, { ...onPolicy, operation: "DELETE", name: undefined }],
    ["a network policy without our label", POLICY, { ...onPolicy, operation: "CREATE", object: policy({}) }],
    [
      "one with an empty mark",
      POLICY,
      { ...onPolicy, operation: "CREATE", object: policy({ [INCIDENT_LABEL]: "" }) },
    ],
    [
      "one that bore an empty mark",
      POLICY,
      { ...onPolicy, operation: "DELETE", oldObject: policy({ [INCIDENT_LABEL]: "" }) },
    ],
    ["somebody's made ours", POLICY, { ...onPolicy, object: policy(MARK), oldObject: policy({}) }],
    ["ours made nobody's", POLICY, { ...onPolicy, object: policy({}), oldObject: policy(MARK) }],
    [
      "somebody's policy of a plugin's own kind",
      POLICY,
      { ...onPolicy, group: "crd.projectcalico.org", operation: "DELETE", oldObject: policy({}) },
    ],
    [
      "somebody's policy of Cilium's kind deleted",
      POLICY,
      {
        ...onPolicy,
        group: "cilium.io",
        resource: "ciliumnetworkpolicies",
        operation: "DELETE",
        oldObject: policy({}),
      },
    ],
    [
      "a policy of Cilium's kind without our label",
      POLICY,
      {
        ...onPolicy,
        group: "cilium.io",
        resource: "ciliumnetworkpolicies",
        operation: "CREATE",
        object: policy({}),
      },
    ],
    [
      "somebody's admin policy deleted",
      ADMIN,
      { ...onAdmin, operation: "DELETE", oldObject: admin({}, "shop", {}) },
    ],
    ["all admin policies at once", ADMIN, { ...onAdmin, operation: "DELETE", name: undefined }],
    ["ours changed", ADMIN, { ...onAdmin, operation: "UPDATE", object: admin(), oldObject: admin() }],
    [
      "its status",
      ADMIN,
      { ...onAdmin, operation: "UPDATE", subResource: "status", object: admin(), oldObject: admin() },
    ],
    ["an admin policy of another name", ADMIN, { ...onAdmin, name: "reflex", object: admin() }],
    ["one without our label", ADMIN, { ...onAdmin, object: admin({}, "shop", {}) }],
    ["one with an empty mark", ADMIN, { ...onAdmin, object: admin({}, "shop", { [INCIDENT_LABEL]: "" }) }],
    [
      "one for another remediation's pods",
      ADMIN,
      { ...onAdmin, object: admin({}, "shop", { [INCIDENT_LABEL]: "b" }) },
    ],
    ["one that allows", ADMIN, { ...onAdmin, object: admin({ egress: [{ action: "Allow", to: [] }] }) }],
    [
      "one that leaves it to network policies",
      ADMIN,
      { ...onAdmin, object: admin({ ingress: [{ action: "Pass" }] }) },
    ],
    [
      "one with a rule that says no action",
      ADMIN,
      { ...onAdmin, object: admin({ ingress: [{ from: [] }] }) },
    ],
    [
      "one for one direction",
      ADMIN,
      { ...onAdmin, object: { ...admin(), spec: { priority: 0, ingress: [] } } },
    ],
    ["one for a whole namespace", ADMIN, { ...onAdmin, object: admin({ subject: { namespaces: inShop } }) }],
    [
      "one for all pods of a namespace",
      ADMIN,
      { ...onAdmin, object: subject({ namespaceSelector: inShop, podSelector: {} }) },
    ],
    [
      "one for pods of another label",
      ADMIN,
      {
        ...onAdmin,
        object: subject({ namespaceSelector: inShop, podSelector: { matchLabels: { app: "web" } } }),
      },
    ],
    [
      "one for our label anywhere",
      ADMIN,
      { ...onAdmin, object: subject({ namespaceSelector: {}, podSelector: { matchLabels: MARK } }) },
    ],
    [
      "one for a namespace by another label",
      ADMIN,
      {
        ...onAdmin,
        object: subject({
          namespaceSelector: { matchLabels: { team: "x" } },
          podSelector: { matchLabels: MARK },
        }),
      },
    ],
    ["one in a protected namespace", ADMIN, { ...onAdmin, object: admin({}, "kube-system") }],
    ["one in a protected family", ADMIN, { ...onAdmin, object: admin({}, "openshift-dns") }],
    ["one without a specification", ADMIN, { ...onAdmin, object: { metadata: { labels: MARK } } }],
    [
      "a baseline admin policy",
      NAMESPACE,
      { ...onAdmin, resource: "baselineadminnetworkpolicies", object: admin() },
    ],
    [
      "a policy of Calico's without our label",
      POLICY,
      { ...onCalico, object: { ...calico(), metadata: {} } },
    ],
    ["somebody's of Calico's deleted", POLICY, { ...onCalico, operation: "DELETE", oldObject: policy({}) }],
    [
      "one of Calico's that allows",
      CALICO,
      { ...onCalico, object: calico({ egress: [{ action: "Allow" }] }) },
    ],
    ["one that passes on", CALICO, { ...onCalico, object: calico({ ingress: [{ action: "Pass" }] }) }],
    ["one for egress alone", CALICO, { ...onCalico, object: { ...calico(), spec: { egress: [] } } }],
    ["one in an earlier tier", CALICO, { ...onCalico, object: calico({ tier: "security" }) }],
    [
      "one of Calico's in a protected namespace",
      NAMESPACE,
      { ...onCalico, namespace: "kube-system", object: calico() },
    ],
    [
      "a global one",
      NAMESPACE,
      { ...onCalico, resource: "globalnetworkpolicies", namespace: undefined, object: calico() },
    ],
    ["a taint on a node", NODE, { ...onNode, object: node(MARK, { taints: [] }), oldObject: node() }],
    ["a foreign label on a node", NODE, { ...onNode, object: node({ a: "b" }), oldObject: node() }],
    ["a label off a node", NODE, { ...onNode, object: node(MARK), oldObject: node({ a: "b" }) }],
    [
      "a foreign annotation on a node",
      NODE,
      {
        ...onNode,
        object: { metadata: { annotations: { a: "b" } }, spec: {} },
        oldObject: { metadata: {}, spec: {} },
      },
    ],
    [
      "a finalizer on a node",
      NODE,
      {
        ...onNode,
        object: { metadata: { finalizers: ["a/b"] }, spec: {} },
        oldObject: { metadata: {}, spec: {} },
      },
    ],
    ["a node deleted", NODE, { ...onNode, operation: "DELETE", object: null, oldObject: node() }],
    ["a node made", NODE, { ...onNode, operation: "CREATE", object: node(), oldObject: null }],
    ["the status of a node", NODE, { ...onNode, subResource: "status", object: node(), oldObject: node() }],
    ["another list of our own namespace", NAMESPACE, { ...onList, name: "other" }],
    ["a list in our own namespace without a name", NAMESPACE, { ...onList, name: undefined }],
    ["the list of sessions deleted", NAMESPACE, { ...onList, name: SESSION_LIST, operation: "DELETE" }],
    ["a pod template stored", NAMESPACE, { ...trying, dryRun: false }],
    [
      "a pod template stored, of which nothing says that it is tried",
      NAMESPACE,
      { ...trying, dryRun: undefined },
    ],
    ["a pod template tried in another namespace", TEMPLATE, { ...trying, namespace: "shop" }],
    ["a pod template changed", NAMESPACE, { ...trying, operation: "UPDATE", name: "x" }],
    ["a list of another name", NAMESPACE, { ...onList, name: "theirs" }],
    ["a list in another group", NAMESPACE, { ...onList, group: "example.org" }],
    ["the block list deleted", NAMESPACE, { ...onList, operation: "DELETE" }],
    ["the block list made anew", NAMESPACE, { ...onList, operation: "CREATE" }],
    ["something below the block list", NAMESPACE, { ...onList, subResource: "status" }],
    ["a list of its name of another group", NAMESPACE, { ...onList, group: "example.org" }],
    ["a list of its name elsewhere", NAMESPACE, { ...onList, namespace: "kube-system" }],
    ["a token of our own account", NAMESPACE, { resource: "serviceaccounts", namespace: OWN_NAMESPACE }],
    ["a pod of the system", NAMESPACE, { namespace: "kube-system", ...relabel(labelled(plain, MARK)) }],
    [
      "a policy of ours in the system",
      NAMESPACE,
      { ...onPolicy, namespace: "kube-system", operation: "CREATE", object: policy(MARK) },
    ],
    ["a workload of the system", NAMESPACE, { ...onScale, namespace: "gatekeeper-system" }],
    ["a namespace", NAMESPACE, { resource: "namespaces", namespace: "shop", operation: "DELETE" }],
    ["a new namespace", NAMESPACE, { resource: "namespaces", namespace: undefined, operation: "CREATE" }],
    [
      "a cluster role",
      NAMESPACE,
      { group: "rbac.authorization.k8s.io", resource: "clusterroles", namespace: undefined },
    ],
    ["a binding changed", BINDING, { ...onBinding, operation: "UPDATE", object: binding(null, "ci-admin") }],
    [
      "a binding made",
      BINDING,
      { ...onBinding, operation: "CREATE", oldObject: null, object: binding(null, "ci-admin") },
    ],
    [
      "bindings of a namespace at once",
      BINDING,
      { ...onBinding, resource: "rolebindings", namespace: "shop", name: undefined, oldObject: null },
    ],
    ["a binding of the system", BINDING, { ...onBinding, name: "system:basic-user" }],
    ["our own binding", BINDING, { ...onBinding, name: "defender-reflex" }],
    [
      "a binding that the API server keeps",
      BINDING,
      bound({ labels: { "kubernetes.io/bootstrapping": "rbac-defaults" } }),
    ],
    [
      "a binding of an add-on",
      BINDING,
      bound({ labels: { "addonmanager.kubernetes.io/mode": "Reconcile" } }),
    ],
    [
      "a binding of an account of the system",
      BINDING,
      bound({ subjects: [{ ...runner, namespace: "kube-system" }] }),
    ],
    [
      "a binding of a platform's account",
      BINDING,
      bound({ subjects: [{ ...runner, namespace: "gatekeeper-system" }] }),
    ],
    ["the nodes' binding", BINDING, bound({ subjects: [group("system:nodes")] })],
    ["the binding of a controller", BINDING, bound({ subjects: [user("system:kube-scheduler")] })],
    [
      "a role binding of the system",
      NAMESPACE,
      { ...onBinding, resource: "rolebindings", namespace: "kube-system" },
    ],
    [
      "an account made without our label",
      ACCOUNT,
      { ...onAccount, operation: "CREATE", object: account("ci") },
    ],
    ["an account changed", ACCOUNT, { ...onAccount, oldObject: account("ci", { labels: MARK }) }],
    ["a token of an account", ACCOUNT, { ...onAccount, operation: "CREATE", subResource: "token" }],
    ["all accounts at once", ACCOUNT, { ...onAccount, operation: "DELETE", name: undefined, object: null }],
    ["an account of the system", NAMESPACE, { ...onAccount, namespace: "kube-system", operation: "DELETE" }],
    ["another type of a service", SERVICE, { ...onService, object: service("web", { type: "ClusterIP" }) }],
    [
      "other pods behind a service",
      SERVICE,
      { ...onService, object: service("web", { selector: { app: "evil" } }) },
    ],
    ["a service's label", SERVICE, { ...onService, object: service("web", {}, { labels: { team: "y" } }) }],
    ["a service deleted", SERVICE, { ...onService, operation: "DELETE" }],
    [
      "a service made",
      SERVICE,
      { ...onService, operation: "CREATE", object: service("web"), oldObject: null },
    ],
    [
      "a service of the system",
      NAMESPACE,
      { ...onService, namespace: "kube-system", object: service("web") },
    ],
    [
      "a webhook that asks somebody else",
      HOOK,
      hooked(
        hook("a.evil.example.org", undefined, { clientConfig: { url: "https://us.example" } }),
        hook("b.evil.example.org"),
      ),
    ],
    [
      "a webhook more",
      HOOK,
      hooked(hook("a.evil.example.org"), hook("b.evil.example.org"), hook("c.example.org")),
    ],
    ["a webhook less", HOOK, hooked(hook("a.evil.example.org"))],
    ["a webhook under another name", HOOK, hooked(hook("a.evil.example.org"), hook("c.evil.example.org"))],
    [
      "a webhook that fails otherwise",
      HOOK,
      hooked(hook("a.evil.example.org", undefined, { failurePolicy: "Fail" }), hook("b.evil.example.org")),
    ],
    [
      "a field more of a webhook",
      HOOK,
      hooked(hook("a.evil.example.org", undefined, { timeoutSeconds: 1 }), hook("b.evil.example.org")),
    ],
    ["a webhook configuration deleted", NAMESPACE, { ...onHook, operation: "DELETE" }],
    ["a webhook configuration made", NAMESPACE, { ...onHook, operation: "CREATE", object: evil }],
    ["a pod in the empty namespace", NAMESPACE, { namespace: "", ...relabel(labelled(plain, MARK)) }],
    ["a pod in no namespace", NAMESPACE, { namespace: undefined, ...relabel(labelled(plain, MARK)) }],
    ["a shell in a pod", CONNECTION, { operation: "CONNECT", subResource: "exec", object: {} }],
    ["a tunnel to a service", CONNECTION, { operation: "CONNECT", resource: "services", object: {} }],
  ])("%s", (_what, message, request) => {
    const denials = pinVerdict(request);
    expect(denials).not.toHaveLength(0);
    expect(denials).toContainEqual(expect.stringMatching(message));
    expect(denials?.every((denial) => denial.startsWith("reflex-pinned-identity: "))).toBe(true);
  });

  it("nodes that run the control plane, as the guard sees them", () => {
    for (const role of ["control-plane", "master", "worker"]) {
      const labels = { [`node-role.kubernetes.io/${role}`]: "" };
      const request = { ...onNode, object: node({ ...labels, ...MARK }), oldObject: node(labels) };
      expect(pinVerdict(request)).toHaveLength(isControlPlane(labels) ? 1 : 0);
    }
  });
});
