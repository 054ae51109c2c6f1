import type { NetworkSurroundings } from "../../model/network-surroundings.ts";
import { checkedItems, completeMetadata } from "./checked-answer.ts";
import type { Connection } from "./connection.ts";
import { checkNamespace } from "./object-names.ts";
import { identityFrom, selectorFrom } from "./objects-from-api.ts";

/** The disruption budgets of a namespace or of the whole cluster, over one connection. */
export function readDisruptionBudgets({ call }: Connection): Pick<NetworkSurroundings, "disruptionBudgets"> {
  return {
    async disruptionBudgets(namespace) {
      if (namespace !== undefined) checkNamespace(namespace);
      const where = namespace === undefined ? {} : { namespace };
      const of = { apiGroup: "policy", resource: "poddisruptionbudgets", ...where } as const;
      return call({ verb: "list", ...of }, async ({ policy }) => {
        const answer =
          namespace === undefined
            ? await policy.listPodDisruptionBudgetForAllNamespaces()
            : await policy.listNamespacedPodDisruptionBudget({ namespace });
        return checkedItems(answer, "PodDisruptionBudgetList").map(({ metadata, spec, status }) => ({
          ...identityFrom(completeMetadata(metadata)),
          selector: spec?.selector === undefined ? null : selectorFrom(spec.selector),
          allowed: status?.disruptionsAllowed ?? null,
        }));
      });
    },
  };
}
