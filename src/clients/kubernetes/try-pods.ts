import type { V1PodTemplate } from "@kubernetes/client-node";
import { FIELD_MANAGER, OWN_NAMESPACE } from "../../model/incident-mark.ts";
import type { KubernetesReader } from "../../model/kubernetes-port.ts";
import type { Trial, TriedContainer, TriedPod } from "../../model/tried-pod.ts";
import { StrangeAnswer } from "./classify-error.ts";
import type { Apis, Connection } from "./connection.ts";
import { denialOf, lacksRight, wordsIn } from "./own-words.ts";

const PREFIX = "reflex-probe-";

/**
 * The part of the reader that asks what admission says to a pod. A pod template is what it asks with: no controller acts
 * on one, so that the right to create it is harmless, and a dry run stores nothing of it.
 */
export function tryPods({ call }: Connection): Pick<KubernetesReader, "tryPods"> {
  return {
    async tryPods(pods, connections) {
      const rows: Trial[][] = [];
      for (let nth = 0; nth < connections; nth += 1) {
        const of = {
          verb: "create",
          apiGroup: "",
          resource: "podtemplates",
          namespace: OWN_NAMESPACE,
        } as const;
        const row = await call(of, ({ fresh }) => fresh((apis) => triedAll(apis, pods)));
        if (row === null) return null;
        rows.push(row);
      }
      return rows;
    },
  };
}

/** Over one connection; null where it is not allowed to us, which no other connection would change. */
async function triedAll(apis: Apis, pods: readonly TriedPod[]): Promise<Trial[] | null> {
  const row: Trial[] = [];
  for (const pod of pods) {
    const trial = await tried(apis, pod);
    if (trial === null) return null;
    row.push(trial);
  }
  return row;
}

async function tried({ core }: Apis, pod: TriedPod): Promise<Trial | null> {
  try {
    const { data, headers } = await core.createNamespacedPodTemplateWithHttpInfo({
      namespace: OWN_NAMESPACE,
      dryRun: "All",
      fieldManager: FIELD_MANAGER,
      body: bodyOf(pod),
    });
    if (data.kind !== "PodTemplate" || data.metadata?.name?.startsWith(PREFIX) !== true) {
      throw new StrangeAnswer("The answer to a probe is no pod template of ours.");
    }
    return { outcome: "admitted", words: wordsIn(headers["warning"] ?? "") };
  } catch (error) {
    if (lacksRight(error)) return null;
    const denial = denialOf(error);
    if (denial === null) throw error;
    return { outcome: "denied", words: denial.words };
  }
}

function bodyOf({ containers, labels = {}, ...host }: TriedPod): V1PodTemplate {
  return {
    apiVersion: "v1",
    kind: "PodTemplate",
    metadata: { generateName: PREFIX, namespace: OWN_NAMESPACE, labels: { ...labels } },
    template: { spec: { ...host, containers: containers.map(containerOf) } },
  };
}

function containerOf({ image, ...securityContext }: TriedContainer, nth: number) {
  return { name: `c${nth}`, image, securityContext };
}
