import { FIELD_MANAGER as fieldManager } from "../../model/incident-mark.ts";
import type { KubernetesWriter } from "../../model/kubernetes-port.ts";
import type { ApiCall } from "./api-call.ts";
import { isHeldByBudget, StrangeAnswer } from "./classify-error.ts";
import type { Apis, Connection } from "./connection.ts";
import { checkName, checkNamespace } from "./object-names.ts";

/** The part of the writer that ends pods as their disruption budgets allow. */
export function writeEvictions({ find }: Connection): Pick<KubernetesWriter, "evictPod" | "askEviction"> {
  return {
    async evictPod(namespace, name, condition) {
      const call = callOf(namespace, name);
      await find(call, (apis) => evict(apis, namespace, name, condition));
    },
    async askEviction(namespace, name, condition) {
      const call = callOf(namespace, name);
      const answer = await find<"held" | "ending">(call, (apis) =>
        evict(apis, namespace, name, condition).then(
          () => "ending",
          (error: unknown) => {
            if (isHeldByBudget(error)) return "held";
            throw error;
          },
        ),
      );
      return answer ?? "ending";
    },
  };
}

function callOf(namespace: string, name: string): ApiCall {
  checkNamespace(namespace);
  checkName(name);
  return { verb: "create", apiGroup: "", resource: "pods/eviction", namespace, name };
}

async function evict(
  { core }: Apis,
  namespace: string,
  name: string,
  { uid }: { readonly uid: string },
): Promise<void> {
  const deleteOptions = { preconditions: { uid } };
  const body = { apiVersion: "policy/v1", kind: "Eviction", metadata: { namespace, name }, deleteOptions };
  const answer = await core.createNamespacedPodEviction({ namespace, name, fieldManager, body });
  // Typed as an eviction, it is a Status; of a web page the client makes an object without a kind.
  if (answer.kind !== "Status") throw new StrangeAnswer("The answer to an eviction is no Status.");
}
