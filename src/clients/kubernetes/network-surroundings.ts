import { z } from "zod";
import type {
  CiliumDirection,
  CiliumEndpoint,
  NetworkSurroundings,
  Sighting,
} from "../../model/network-surroundings.ts";
import type { ApiCall } from "./api-call.ts";
import { checkedItems, checkedMetadata, completeMetadata } from "./checked-answer.ts";
import { isForbidden, isNotServed, StrangeAnswer } from "./classify-error.ts";
import type { Apis, Connection } from "./connection.ts";
import { checkedCustom } from "./custom-object.ts";
import { readDisruptionBudgets } from "./disruption-budgets.ts";
import { checkName, checkNamespace } from "./object-names.ts";
import { identityFrom } from "./objects-from-api.ts";

const CILIUM = { group: "cilium.io", version: "v2", plural: "ciliumendpoints" } as const;

/** What surrounds a pod in its network, over one connection. */
export function readSurroundings(connection: Connection): NetworkSurroundings {
  const { call } = connection;
  return {
    async services(namespace) {
      checkNamespace(namespace);
      return call({ verb: "list", apiGroup: "", resource: "services", namespace }, async ({ core }) =>
        checkedItems(await core.listNamespacedService({ namespace }), "ServiceList").map(
          ({ metadata, spec }) => ({
            ...identityFrom(completeMetadata(metadata)),
            // The API server takes an empty selector for none.
            selector: Object.keys(spec?.selector ?? {}).length === 0 ? null : (spec?.selector ?? null),
          }),
        ),
      );
    },
    ...readDisruptionBudgets(connection),
    async daemonSet(namespace, name) {
      checkNamespace(namespace);
      checkName(name);
      const of = { apiGroup: "apps", resource: "daemonsets", namespace, name } as const;
      const found = await ifAllowed(connection, { verb: "get", ...of }, async ({ apps }) => {
        const answer = await apps.readNamespacedDaemonSet({ namespace, name });
        checkedMetadata(answer, { kind: "DaemonSet", namespace, name });
        return "there" as Sighting;
      });
      return found ?? "absent";
    },
    async apiGroups() {
      const found = await ifAllowed(
        connection,
        { verb: "get", apiGroup: "", resource: "API groups" },
        async ({ discovery }) => {
          const answer = await discovery.getAPIVersions();
          if (answer.kind !== "APIGroupList") throw new StrangeAnswer("The answer is not an APIGroupList.");
          return answer.groups.map(({ name }) => name);
        },
      );
      return found === "unread" ? null : found;
    },
    async ciliumEndpoint(namespace, name) {
      checkNamespace(namespace);
      checkName(name);
      const of = { apiGroup: CILIUM.group, resource: CILIUM.plural, namespace, name } as const;
      return ifAllowed(connection, { verb: "get", ...of }, async ({ custom }) => {
        const answer: unknown = await custom
          .getNamespacedCustomObject({ ...CILIUM, namespace, name })
          // Where the kind itself is not installed, 404 is no Status.
          .catch((error: unknown) => {
            if (isNotServed(error)) return null;
            throw error;
          });
        if (answer === null) return null;
        return endpointFrom(checkedCustom(answer, { kind: "CiliumEndpoint", namespace, name }));
      });
    },
  };
}

/** As `find` of the connection; `unread` where our identity may not ask. */
function ifAllowed<T>(
  { find }: Connection,
  of: ApiCall,
  ask: (apis: Apis) => Promise<T>,
): Promise<T | "unread" | null> {
  return find<T | "unread">(of, (apis) =>
    ask(apis).catch((error: unknown) => {
      if (isForbidden(error)) return "unread";
      throw error;
    }),
  );
}

const directionSchema = z
  .object({
    enforcing: z.boolean().nullish(),
    allowed: z.array(z.object({ identity: z.number().nullish() })).nullish(),
  })
  .nullish();
const endpointSchema = z.object({
  status: z
    .object({
      state: z.string().nullish(),
      identity: z.object({ labels: z.array(z.string()).nullish() }).nullish(),
      policy: z.object({ ingress: directionSchema, egress: directionSchema }).nullish(),
    })
    .nullish(),
});

function endpointFrom(object: unknown): CiliumEndpoint {
  const parsed = endpointSchema.safeParse(object);
  if (!parsed.success) throw new StrangeAnswer("The answer is no CiliumEndpoint of a known form.");
  const { state, identity, policy } = parsed.data.status ?? {};
  return {
    state: state ?? null,
    identityLabels: identity?.labels ?? null,
    ingress: directionFrom(policy?.ingress),
    egress: directionFrom(policy?.egress),
  };
}

function directionFrom(direction: z.infer<typeof directionSchema>): CiliumDirection {
  return {
    enforcing: direction?.enforcing ?? null,
    // Zero is what Cilium calls unknown: an entry that says nothing of itself lets anybody through.
    allowed: (direction?.allowed ?? []).map(({ identity }) => identity ?? 0),
  };
}
