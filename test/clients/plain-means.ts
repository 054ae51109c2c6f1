import type { ClusterMeans } from "../../src/clients/clusters.ts";

/** The means of ways to clusters that need no setting, secret or file: each that is asked for all the same fails the test. */
export const PLAIN_MEANS: Pick<
  ClusterMeans,
  "setting" | "vault" | "readKubeconfig" | "allowLoopback" | "log"
> = {
  setting: () => undefined,
  vault: { secret: () => Promise.reject(new Error("no secret is to be read")) },
  readKubeconfig: () => {
    throw new Error("no file is to be read");
  },
  allowLoopback: false,
  log: () => undefined,
};
