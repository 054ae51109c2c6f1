import { readFileSync } from "node:fs";
import { relative, resolve } from "node:path";
import { isSeq, parseDocument } from "yaml";
import type { StateFolder } from "./state-folder.ts";

/** The name of the effective configuration in the state folder. */
export const CONFIGURATION = "reflex.yaml";

/**
 * Writes the effective configuration: the given file with the cluster's connection put in, the path of the kubeconfig
 * relative to the folder. Comments stay.
 */
export function writeConfiguration(
  folder: StateFolder,
  source: string,
  { kubeconfig, context }: { readonly kubeconfig: string; readonly context: string | null },
): void {
  const document = parseDocument(readFileSync(source, "utf8"));
  const clusters = document.get("clusters");
  if (!isSeq(clusters) || clusters.items.length === 0) {
    throw new Error(`${source} defines no cluster: name one under clusters.`);
  }
  const path = relative(folder.path, resolve(kubeconfig));
  for (const index of clusters.items.keys()) {
    const connect = context === null ? { kubeconfig: path } : { kubeconfig: path, context };
    document.setIn(["clusters", index, "connect"], connect);
  }
  folder.write(CONFIGURATION, document.toString({ lineWidth: 0 }));
}
