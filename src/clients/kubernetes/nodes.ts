import type { V1Toleration, V1Volume } from "@kubernetes/client-node";
import type { NodeReader } from "../../model/node-port.ts";
import { checkedItems, completeMetadata } from "./checked-answer.ts";
import type { Connection } from "./connection.ts";
import { checkName } from "./object-names.ts";
import { nodeFrom, podFrom } from "./objects-from-api.ts";

const MOST = 500;
const CORDON_TAINT = "node.kubernetes.io/unschedulable";

/** The nodes and who runs there, over one connection. */
export function readNodes({ call }: Connection): NodeReader {
  return {
    async nodes() {
      return call({ verb: "list", apiGroup: "", resource: "nodes" }, async ({ core }) =>
        checkedItems(await core.listNode({ limit: MOST }), "NodeList").map((item) =>
          nodeFrom(completeMetadata(item.metadata), item),
        ),
      );
    },
    async podsOnNode(node) {
      // It goes into a selector, where a comma would begin another term.
      checkName(node);
      return call({ verb: "list", apiGroup: "", resource: "pods" }, async ({ core }) => {
        const fieldSelector = `spec.nodeName=${node}`;
        const answer = await core.listPodForAllNamespaces({ fieldSelector, limit: MOST });
        const pods = checkedItems(answer, "PodList").map((item) => ({
          ...podFrom(completeMetadata(item.metadata), item),
          localData: (item.spec?.volumes ?? []).some(isLocal),
          toleratesCordon: (item.spec?.tolerations ?? []).some(isOfCordons),
        }));
        return { pods, whole: (answer.metadata?._continue ?? "") === "" };
      });
    },
  };
}

function isLocal({ emptyDir, hostPath }: V1Volume): boolean {
  return emptyDir !== undefined || hostPath !== undefined;
}

/** Does it tolerate the taint that a cordon puts on? Without a key it tolerates any. */
function isOfCordons({ key, operator, effect }: V1Toleration): boolean {
  const isOfKey = key === CORDON_TAINT || (!key && operator === "Exists");
  return isOfKey && (!effect || effect === "NoSchedule");
}
