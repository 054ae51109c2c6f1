import type { KubernetesReader } from "../model/kubernetes-port.ts";
import type { Verification } from "../model/playbook.ts";
import { PROBE_REPOSITORY, type Trial } from "../model/tried-pod.ts";
import { referenceOfKey } from "./image-reference.ts";

/** So many connections in a row have to say the same: each may reach another API server, with a cache of its own. */
export const PROBE_CONNECTIONS = 3;

const WORD = "reflex-blocked-image: ";
const RETRY_MS = 2_000;

/**
 * Asks the cluster whether it would let a pod of each of these entries in, and whether it still lets an image in that
 * nobody blocks. Proved is what every connection says: the blocked one is denied by our own word, the good one is not.
 */
export async function probeImages(
  reader: Pick<KubernetesReader, "tryPods">,
  keys: readonly string[],
): Promise<Verification> {
  const images = keys.map(referenceOfKey);
  const good = { containers: [{ image: `${PROBE_REPOSITORY}:good` }] };
  const pods = [good, ...images.map((image) => ({ containers: [{ image }] }))];
  const rows = await reader.tryPods(pods, PROBE_CONNECTIONS);
  if (rows === null) {
    return notYet(
      "The entries are in the list, but whether they block could not be tried: the right to create podtemplates in defender-reflex is missing (infra/kubernetes/4-access.yaml).",
    );
  }
  const open = images.filter((image, at) => rows.some((row) => !isDenied(row[at + 1], image)));
  if (open.length > 0) {
    const by = rows.filter((row) => images.some((image, at) => !isDenied(row[at + 1], image))).length;
    return notYet(
      `Over ${by} of ${PROBE_CONNECTIONS} connections the API server did not refuse a pod with ${open.join(", ")} by the block list.`,
    );
  }
  const refused = rows.flatMap(([first]) => (first?.outcome === "denied" ? [first] : []));
  const [first] = refused;
  return first === undefined
    ? { verdict: "holds", proof: "proved" }
    : {
        verdict: "partial",
        remains: [
          `The cluster refuses an image that nobody blocks as well, over ${refused.length} of ${PROBE_CONNECTIONS} connections${first.words === null ? ", by what is no policy of ours" : ` (${first.words})`}: look at it at once, other pods may not start either.`,
        ],
      };
}

function isDenied(trial: Trial | undefined, image: string): boolean {
  return (
    trial?.outcome === "denied" &&
    trial.words?.startsWith(WORD) === true &&
    trial.words.slice(WORD.length).split(", ").includes(image)
  );
}

function notYet(reason: string): Verification {
  return { verdict: "not-yet", reason, retryAfterMs: RETRY_MS };
}
