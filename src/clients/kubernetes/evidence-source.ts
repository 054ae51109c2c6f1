import type { EvidenceSource, RawList, Reading } from "../../model/evidence-source.ts";
import type { ApiCall } from "./api-call.ts";
import { checkedItems, completeMetadata } from "./checked-answer.ts";
import { isForbidden, isNotServed } from "./classify-error.ts";
import type { Apis, Connection } from "./connection.ts";
import { readLog } from "./container-log.ts";
import { checkName, checkNamespace } from "./object-names.ts";
import { policyFrom } from "./objects-from-api.ts";
import { RAW_LIST_LIMIT, rawItems, rawObject } from "./raw-object.ts";
import { WORKLOAD_RESOURCES } from "./workload-resources.ts";

/** A list of rights in the greatest of clusters; more is said to be missing. */
const MOST_PAGES = 4;
const UID = /^[A-Za-z0-9-]{1,64}$/;
const RBAC = "rbac.authorization.k8s.io";

/** The reading of evidence over one connection. Everything is asked for by GET. */
export function readEvidence(connection: Connection): EvidenceSource {
  const one = (call: Omit<ApiCall, "verb"> & { readonly name: string }, kind: string) =>
    answered(connection, { verb: "get", ...call }, (apis) => rawObject(apis.raw, call, kind));
  const all = (call: Omit<ApiCall, "verb" | "name">, kind: string, field?: string) =>
    answered(connection, { verb: "list", ...call }, (apis) => pages(apis, call, kind, field));
  return {
    async rawPod(namespace, name) {
      checkNamespace(namespace);
      checkName(name);
      return one({ apiGroup: "", resource: "pods", namespace, name }, "Pod");
    },
    async rawWorkload(kind, namespace, name) {
      checkNamespace(namespace);
      checkName(name);
      const { apiGroup, version = "v1", resource } = WORKLOAD_RESOURCES[kind];
      return one({ apiGroup, version, resource, namespace, name }, kind);
    },
    async rawNode(name) {
      checkName(name);
      return one({ apiGroup: "", resource: "nodes", name }, "Node");
    },
    async rawServiceAccount(namespace, name) {
      checkNamespace(namespace);
      checkName(name);
      return one({ apiGroup: "", resource: "serviceaccounts", namespace, name }, "ServiceAccount");
    },
    async events(namespace, uid) {
      checkNamespace(namespace);
      if (!UID.test(uid)) return { missing: "it has no uid by which it could be asked for" };
      return all({ apiGroup: "", resource: "events", namespace }, "EventList", `involvedObject.uid=${uid}`);
    },
    async roleBindings(namespace) {
      checkNamespace(namespace);
      return all({ apiGroup: RBAC, resource: "rolebindings", namespace }, "RoleBindingList");
    },
    clusterRoleBindings: () =>
      all({ apiGroup: RBAC, resource: "clusterrolebindings" }, "ClusterRoleBindingList"),
    async readableNetworkPolicies(namespace) {
      checkNamespace(namespace);
      const call = { apiGroup: "networking.k8s.io", resource: "networkpolicies", namespace } as const;
      return answered(connection, { verb: "list", ...call }, async (apis) => {
        const answer = await apis.networking.listNamespacedNetworkPolicy({ namespace });
        return checkedItems(answer, "NetworkPolicyList").map((item) =>
          policyFrom(completeMetadata(item.metadata), item, apis.toWire(item.spec, "V1NetworkPolicySpec")),
        );
      });
    },
    log: (namespace, pod, question) => readLog(connection, namespace, pod, question),
  };
}

/** What may not be read, or is not there, is an answer. */
async function answered<T>(
  { find }: Connection,
  call: ApiCall,
  send: (apis: Apis) => Promise<T>,
): Promise<Reading<T>> {
  const { verb, resource } = call;
  const found = await find(call, (apis) =>
    send(apis).then(
      (answer): Reading<T> => ({ found: answer }),
      (error: unknown): Reading<T> => {
        if (isNotServed(error)) return { missing: `the API server serves no ${resource}` };
        if (!isForbidden(error)) throw error;
        return { missing: `we may not ${verb} ${resource} (403); grant it as infra/kubernetes does` };
      },
    ),
  );
  return found ?? { missing: "it is not there" };
}

async function pages(
  { raw }: Apis,
  of: Omit<ApiCall, "verb" | "name">,
  kind: string,
  fieldSelector: string | undefined,
): Promise<RawList> {
  const items: RawList["items"][number][] = [];
  let next = "";
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const got = await rawItems(raw, of, kind, {
      limit: String(RAW_LIST_LIMIT),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
      ...(next === "" ? {} : { continue: next }),
    });
    items.push(...got.items);
    next = got.next;
    if (next === "") return { items, whole: true };
  }
  return { items, whole: false };
}
