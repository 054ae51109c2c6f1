import type { V1Container, V1ContainerStatus, V1Pod } from "@kubernetes/client-node";
import type { KubernetesReader } from "../../model/kubernetes-port.ts";
import type { ContainerFacts, PodFacts } from "../../model/pod-facts.ts";
import { type CheckedMetadata, checkedItems, completeMetadata } from "./checked-answer.ts";
import type { Connection } from "./connection.ts";

const PODS_OF_A_PAGE = 500;
const PAGES = 20;

/** The part of the reader that looks at all pods of the cluster, keeping one page of them at a time. */
export function readEachPod({ call }: Connection): Pick<KubernetesReader, "eachPod"> {
  return {
    async eachPod(look) {
      let next: string | undefined;
      for (let page = 0; page < PAGES; page += 1) {
        const from = next === undefined ? {} : { _continue: next };
        next = await call({ verb: "list", apiGroup: "", resource: "pods" }, async ({ core }) => {
          const answer = await core.listPodForAllNamespaces({ limit: PODS_OF_A_PAGE, ...from });
          for (const item of checkedItems(answer, "PodList")) {
            look(factsFrom(completeMetadata(item.metadata), item));
          }
          return answer.metadata?._continue;
        });
        if (next === undefined || next === "") return true;
      }
      return false;
    },
  };
}

function factsFrom(metadata: CheckedMetadata, { spec, status }: V1Pod): PodFacts {
  const statuses = [
    ...(status?.containerStatuses ?? []),
    ...(status?.initContainerStatuses ?? []),
    ...(status?.ephemeralContainerStatuses ?? []),
  ];
  const containers = [
    ...(spec?.containers ?? []),
    ...(spec?.initContainers ?? []),
    ...(spec?.ephemeralContainers ?? []),
  ];
  return {
    namespace: metadata.namespace ?? "",
    name: metadata.name,
    owner: ownerOf(metadata),
    hostPID: spec?.hostPID ?? false,
    hostIPC: spec?.hostIPC ?? false,
    hostNetwork: spec?.hostNetwork ?? false,
    isWindows: spec?.os?.name === "windows",
    containers: containers.map((container) => containerFrom(container, statuses)),
    volumeImages: (spec?.volumes ?? []).flatMap(({ image }) => image?.reference ?? []),
    isOver: status?.phase === "Succeeded" || status?.phase === "Failed",
  };
}

/** A ReplicaSet that a Deployment made bears the Deployment's name and the hash that its pods have as a label. */
function ownerOf({ name, ownerReferences, labels }: CheckedMetadata): string {
  const owner = ownerReferences?.find(({ controller }) => controller === true);
  if (owner === undefined) return `pod ${name}`;
  const hash = labels?.["pod-template-hash"];
  const isRolledOut = owner.kind === "ReplicaSet" && hash !== undefined && owner.name.endsWith(`-${hash}`);
  return isRolledOut ? `Deployment ${owner.name.slice(0, -hash.length - 1)}` : `${owner.kind} ${owner.name}`;
}

function containerFrom(
  { name, image, securityContext }: Pick<V1Container, "name" | "image" | "securityContext">,
  statuses: readonly V1ContainerStatus[],
): ContainerFacts {
  const running = statuses.find((status) => status.name === name)?.imageID ?? "";
  return {
    image: image ?? "",
    // Without a repository before it, it is the digest of the image's configuration, which no reference can name.
    digest: /@(sha\d+:[0-9a-f]+)$/.exec(running)?.[1] ?? null,
    privileged: securityContext?.privileged ?? false,
    allowPrivilegeEscalation: securityContext?.allowPrivilegeEscalation !== false,
    readOnlyRootFilesystem: securityContext?.readOnlyRootFilesystem ?? false,
  };
}
