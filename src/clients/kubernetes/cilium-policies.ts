import type { CiliumPolicy, CiliumReader, CiliumWriter } from "../../model/cilium-port.ts";
import { FIELD_MANAGER } from "../../model/incident-mark.ts";
import { isNotServed, StrangeAnswer } from "./classify-error.ts";
import type { Apis, Connection } from "./connection.ts";
import { checkedCustom, customMetadata } from "./custom-object.ts";
import { checkName, checkNamespace } from "./object-names.ts";
import { identityFrom } from "./objects-from-api.ts";

const CILIUM = { group: "cilium.io", version: "v2", plural: "ciliumnetworkpolicies" } as const;
const KIND = "CiliumNetworkPolicy";
const of = { apiGroup: CILIUM.group, resource: CILIUM.plural } as const;

/** See `CiliumReader`. */
export function readCiliumPolicies({ find }: Connection): CiliumReader {
  return {
    async ciliumPolicy(namespace, name) {
      checkNamespace(namespace);
      checkName(name);
      return find({ verb: "get", ...of, namespace, name }, async (apis) => {
        const answer: unknown = await apis.custom
          .getNamespacedCustomObject({ ...CILIUM, namespace, name })
          // Where the kind itself is not installed, there is none of it.
          .catch((error: unknown) => {
            if (isNotServed(error)) return null;
            throw error;
          });
        return answer === null ? null : policyFrom(apis, answer, namespace, name);
      });
    },
  };
}

/** See `CiliumWriter`. */
export function writeCiliumPolicies({ call, find }: Connection): CiliumWriter {
  return {
    async createCiliumDeny({ namespace, name, labels, annotations, spec }) {
      checkNamespace(namespace);
      checkName(name);
      return call({ verb: "create", ...of, namespace, name }, async (apis) => {
        const metadata = { namespace, name, labels, annotations };
        const answer: unknown = await apis.custom.createNamespacedCustomObject({
          ...CILIUM,
          namespace,
          fieldManager: FIELD_MANAGER,
          body: { apiVersion: `${CILIUM.group}/${CILIUM.version}`, kind: KIND, metadata, spec },
        });
        return policyFrom(apis, answer, namespace, name);
      });
    },
    async deleteCiliumPolicy(namespace, name, { uid }) {
      checkNamespace(namespace);
      checkName(name);
      await find({ verb: "delete", ...of, namespace, name }, async ({ custom }) => {
        const body = { preconditions: { uid } };
        const answer: unknown = await custom.deleteNamespacedCustomObject({
          ...CILIUM,
          namespace,
          name,
          body,
        });
        if (!isDone(answer)) {
          throw new StrangeAnswer("The answer to a deletion is neither success nor the object.");
        }
      });
    },
  };
}

/** With a finalizer on it the object itself comes back, and goes later. */
function isDone(answer: unknown): boolean {
  if (typeof answer !== "object" || answer === null) return false;
  const kind: unknown = Reflect.get(answer, "kind");
  return kind === KIND || (kind === "Status" && Reflect.get(answer, "status") === "Success");
}

function policyFrom(apis: Apis, answer: unknown, namespace: string, name: string): CiliumPolicy {
  const object = checkedCustom(answer, { kind: KIND, namespace, name });
  return {
    ...identityFrom(customMetadata(apis, object)),
    spec: object["spec"] ?? null,
  };
}
