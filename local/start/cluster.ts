import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { z } from "zod";
import { type KubernetesStandIn, startKubernetes } from "../kubernetes/index.ts";
import { resourceOfKind, resources } from "../kubernetes/resource-table.ts";
import { accessRules } from "./access.ts";
import type { StateFolder } from "./state-folder.ts";
import { readManifests } from "./yaml-files.ts";

/** The Kubernetes stand-in of a local system, and how to reach it. */
export interface LocalCluster {
  readonly standIn: KubernetesStandIn;
  readonly token: string;
  /** Path of the kubeconfig, for us and for kubectl. */
  readonly kubeconfig: string;
  close(): Promise<void>;
}

const OBJECTS = "cluster.json";
const KUBECONFIG = "kubeconfig";
const SAVE_MS = 200;
const DEFINITIONS = "customresourcedefinitions";

/**
 * Starts the stand-in with the rights of infra/kubernetes and the objects of the last time, else with those of
 * infra/kubernetes and of the samples. What requests change is saved within a fifth of a second, so that a kill loses
 * no more than that.
 */
export async function startCluster(
  folder: StateFolder,
  from: { readonly infra: string; readonly samples: string },
): Promise<LocalCluster> {
  const infra = readManifests(from.infra);
  const token = randomBytes(24).toString("hex");
  const standIn = await startKubernetes({ token, rules: accessRules(infra) });
  const kept = folder.read(OBJECTS);
  if (kept === null) {
    const served = infra.filter(({ apiVersion, kind }) => resourceOfKind(apiVersion, kind) !== undefined);
    standIn.seed([...served, ...readManifests(from.samples)]);
  } else standIn.seed(z.array(z.looseObject({})).parse(JSON.parse(kept)));
  folder.write(KUBECONFIG, standIn.kubeconfig());

  let saved = -1;
  const save = (): void => {
    if (saved === standIn.effects.length) return;
    saved = standIn.effects.length;
    // Definitions first: what they define is served only after them.
    const kinds = [
      DEFINITIONS,
      ...resources.map(({ plural }) => plural).filter((one) => one !== DEFINITIONS),
    ];
    const objects = kinds.flatMap((plural) => standIn.readAll(plural));
    folder.write(OBJECTS, JSON.stringify(objects));
  };
  save();
  const saving = setInterval(save, SAVE_MS);
  return {
    standIn,
    token,
    kubeconfig: join(folder.path, KUBECONFIG),
    async close() {
      clearInterval(saving);
      await standIn.close();
      save();
    },
  };
}
