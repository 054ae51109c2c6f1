import type { Clock } from "../../model/clock.ts";
import type { KubernetesReader, KubernetesWriter } from "../../model/kubernetes-port.ts";
import { openConnection } from "./connection.ts";
import { readKubeconfig } from "./kubeconfig.ts";
import type { LiveAccess } from "./live-access.ts";
import { openLiveConnection } from "./live-connection.ts";
import { createReader } from "./reader.ts";
import { createWriter } from "./writer.ts";

const CALL_MS = 10_000;

/**
 * The ports of one cluster, reached as one context of a kubeconfig says (null: its current one). The client is
 * loaded with the first call; keep the result, since it holds the connections. Raises `Refused` for a kubeconfig
 * that runs programs, reads files, skips verification or sends its credential in the clear.
 */
export function createKubernetes(options: {
  readonly kubeconfigText: string;
  readonly context: string | null;
  /** The longest that one call may take; 10 s unless told otherwise. */
  readonly timeoutMs?: number;
}): { readonly reader: KubernetesReader; readonly writer: KubernetesWriter } {
  const access = readKubeconfig(options.kubeconfigText, options.context);
  const connection = openConnection(access, options.timeoutMs ?? CALL_MS);
  return { reader: createReader(connection), writer: createWriter(connection) };
}

/** The ports of one cluster over a way that is asked for when it is used; see `openLiveConnection`. */
export function createLiveKubernetes(
  access: LiveAccess,
  options: { readonly timeoutMs: number; readonly clock: Clock },
): { readonly reader: KubernetesReader; readonly writer: KubernetesWriter } {
  const connection = openLiveConnection(access, options);
  return { reader: createReader(connection), writer: createWriter(connection) };
}
