import type { ContainerLog, LogQuestion, Reading } from "../../model/evidence-source.ts";
import { answeredCode, StrangeAnswer } from "./classify-error.ts";
import type { Connection } from "./connection.ts";
import { checkName, checkNamespace } from "./object-names.ts";
import { pathOf } from "./raw-object.ts";

/**
 * What the node says, in our words: the API server passes its sentences on, and they quote addresses (measured, 1.36:
 * 404 where the node is not registered, 500 where it has no address or nobody listens; a kubelet answers 400 where there
 * is no such log). An overload of the API server itself, 429, goes on as an error.
 */
const WORDS: Readonly<Record<number, string>> = {
  400: "its node has no such log",
  403: "we may not get pods/log (403); grant it as infra/kubernetes does",
  404: "the pod, or the node that it runs on, is not there",
};

/**
 * The last lines of a container's log, as bytes: never decoded, at most so many. The server is asked to stop there, and
 * whatever it sends beyond is not taken. A node that does not give it is an answer.
 */
export async function readLog(
  { call }: Connection,
  namespace: string,
  pod: string,
  { container, previous, lastLines, mostBytes }: LogQuestion,
): Promise<Reading<ContainerLog>> {
  checkNamespace(namespace);
  checkName(pod);
  // The name of a container is a label, as that of a namespace is.
  checkNamespace(container);
  const of = { apiGroup: "", resource: "pods/log", namespace, name: pod } as const;
  const query = new URLSearchParams({
    container,
    tailLines: String(lastLines),
    // One more than is wanted, to see whether there is more.
    limitBytes: String(mostBytes + 1),
    ...(previous ? { previous: "true" } : {}),
  });
  return call({ verb: "get", ...of }, ({ raw }) =>
    raw(`${pathOf(of)}?${query.toString()}`, mostBytes).then(
      ({ bytes, cut, type }): Reading<ContainerLog> => {
        // Whatever a container prints comes as plain text; a page is a proxy's.
        if (type.startsWith("text/html")) throw new StrangeAnswer("The answer is a page and no log.");
        return { found: { bytes, cut } };
      },
      (error: unknown): Reading<ContainerLog> => {
        const missing = ofNode(error);
        if (missing === null) throw error;
        return { missing };
      },
    ),
  );
}

/** Why the node gave no log; null where it is not the node's doing. */
function ofNode(error: unknown): string | null {
  if (error instanceof Error && error.name === "TimeoutError") return "its node did not answer in time";
  const code = answeredCode(error);
  if (code === null) return null;
  return WORDS[code] ?? (code >= 500 ? `its node did not give it (${code})` : null);
}
