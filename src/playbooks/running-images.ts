import type { KubernetesReader } from "../model/kubernetes-port.ts";
import { covers } from "./blocked-entries.ts";
import { CountedOwners } from "./counted-owners.ts";
import { keyOfDigest, keyOfRepository, keysOfReference, parseImageReference } from "./image-reference.ts";
import { isPlatformNamespace } from "./platform-namespaces.ts";

/** Who runs an image already: sentences for the plan, or who of the platform does, so that it must not be blocked. */
export type RunningImages = { readonly sentences: readonly string[] } | { readonly platform: string };

interface Used {
  readonly image: string;
  readonly digest: string | null;
}

/** Looks through the pods of the cluster for those that the entries with these keys would keep from starting again. */
export async function runningImages(
  reader: Pick<KubernetesReader, "eachPod">,
  keys: readonly string[],
  neverBlock: readonly string[],
): Promise<RunningImages> {
  const wanted = new Set(keys);
  const owners = new CountedOwners();
  let platform: string | null = null;
  const whole = await reader.eachPod(({ namespace, name, owner, containers, volumeImages, isOver }) => {
    const used: Used[] = [...containers, ...volumeImages.map((image) => ({ image, digest: null }))];
    const hits = isOver ? [] : used.filter((one) => keysOf(one).some((key) => wanted.has(key)));
    if (hits.length === 0) return;
    owners.add(namespace, owner);
    if (isPlatformNamespace(namespace)) platform ??= `pod ${namespace}/${name} runs it`;
    const own = hits.find(({ image }) => neverBlock.some((pattern) => covers(pattern, repositoryOf(image))));
    if (own !== undefined) platform ??= `pod ${namespace}/${name} runs it as ${own.image}`;
  });
  if (platform !== null) return { platform };
  return {
    sentences: [
      ...owners.sentences("runs it already and goes on", "run it already and go on"),
      ...(whole
        ? []
        : ["Only the first 10,000 pods were looked at: others, of the platform too, may run it."]),
    ],
  };
}

/** The keys under which a running container's image would be found in the list. */
function keysOf({ image, digest }: Used): string[] {
  const parsed = parseImageReference(image);
  return [
    ...(parsed === null ? [] : [...keysOfReference(parsed), keyOfRepository(parsed)]),
    ...(digest === null ? [] : [keyOfDigest(digest)]),
  ];
}

function repositoryOf(image: string): string {
  return parseImageReference(image)?.repository ?? "";
}
