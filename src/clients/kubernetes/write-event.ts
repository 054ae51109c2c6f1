import type { KubernetesWriter } from "../../model/kubernetes-port.ts";
import { checkedMetadata } from "./checked-answer.ts";
import { alreadyThere } from "./classify-error.ts";
import type { Connection } from "./connection.ts";
import { checkName, checkNamespace } from "./object-names.ts";

/** Where Events about what is in no namespace are kept. */
const NOWHERE = "default";
const CONTROLLER = "defender-reflex";

/** Leaves an Event beside an object. One of that name is there already: it was told before. */
export function writeEvent({ call }: Connection): Pick<KubernetesWriter, "recordEvent"> {
  return {
    async recordEvent({ name, regarding, reason, note, isWarning, at }) {
      const namespace = regarding.namespace ?? NOWHERE;
      checkNamespace(namespace);
      checkName(name);
      checkName(regarding.name);
      const { namespace: its, ...object } = regarding;
      const about = its === null ? object : { ...object, namespace: its };
      await call({ verb: "create", apiGroup: "", resource: "events", namespace, name }, async ({ core }) => {
        try {
          const answer = await core.createNamespacedEvent({
            namespace,
            body: {
              apiVersion: "v1",
              kind: "Event",
              metadata: { namespace, name },
              involvedObject: about,
              type: isWarning ? "Warning" : "Normal",
              reason,
              message: note,
              count: 1,
              firstTimestamp: at,
              lastTimestamp: at,
              source: { component: CONTROLLER },
              reportingComponent: CONTROLLER,
            },
          });
          checkedMetadata(answer, { kind: "Event", namespace, name });
        } catch (error) {
          if (!alreadyThere(error)) throw error;
        }
      });
    },
  };
}
