import process from "node:process";
import { createKubernetes } from "../../src/clients/kubernetes/index.ts";
import { type Lab, realCluster, realLab, standInLab } from "./lab.ts";

/** A cluster that a suite is led through, if it is there. */
export interface LabPlace {
  readonly name: string;
  readonly open: () => Promise<Lab>;
  readonly isThere: boolean;
  readonly isReal: boolean;
}

/** Is there a real API server? Without one `untried`, a sentence, is said aloud; raises where one is required. */
export function isRealThere(untried: string): boolean {
  const missing = realCluster();
  if (typeof missing !== "string") return true;
  if (process.env["REFLEX_CLUSTER_REQUIRED"] === "true") throw new Error(missing);
  console.log(`${untried} ${missing}`);
  return false;
}

/** Our stand-in, and a real API server where there is one; see `isRealThere`. */
export function labs(untried: string): readonly LabPlace[] {
  return [
    { name: "the stand-in", open: standInLab, isThere: true, isReal: false },
    { name: "a real API server", open: realLab, isThere: isRealThere(untried), isReal: true },
  ];
}

/** Our client with the rights of the manifests, and no others. */
export async function asApp(lab: Lab): Promise<ReturnType<typeof createKubernetes>> {
  const kubeconfigText = await lab.asServiceAccount("defender-reflex", "defender-reflex");
  return createKubernetes({ kubeconfigText, context: null });
}
