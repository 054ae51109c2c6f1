import type { KubernetesReader, KubernetesWriter } from "../../model/kubernetes-port.ts";
import { type Connection, openConnection } from "./connection.ts";
import { readKubeconfig } from "./kubeconfig.ts";
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
  return portsOver(openConnection(access, options.timeoutMs ?? CALL_MS));
}

/** The ports of one cluster over a connection; keep the result, since the connection holds the sockets. */
export function portsOver(connection: Connection): {
  readonly reader: KubernetesReader;
  readonly writer: KubernetesWriter;
} {
  return { reader: createReader(connection), writer: createWriter(connection) };
}
