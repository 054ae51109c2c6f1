import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** ARM id of the cluster that the app may act upon. */
export const CLUSTER =
  "/subscriptions/0b7e5d52-8c1f-4f6b-9a77-2f2d4c4e9b10/resourceGroups/rg-shop/providers/Microsoft.ContainerService/managedClusters/shop-aks";

const CONFIGURATION = `
mode: enforce
clusters:
  - { name: shop, id: ${CLUSTER}, connect: { kubeconfig: kubeconfig.json } }
channels:
  - { name: security, kind: teams, urlSetting: REFLEX_TEAMS_URL }
rules:
  - name: miners
    when: { kind: alert, key: "K8S.NODE_CryptoCoinMiner*" }
    mode: enforce
    playbooks: [{ name: isolate-pod, ttl: 8h }]
    notify: [security]
`;

/** A folder that can be deployed. */
export interface FunctionApp {
  readonly folder: string;
  remove(): Promise<void>;
}

/**
 * Lays out what a deployment holds: the built bundle without node_modules, host.json, a configuration that enforces
 * isolation of miners, a kubeconfig. `configure` changes the configuration. Raises when nothing has been built.
 */
export async function layOutApp(
  kubeconfig: string,
  configure: (text: string) => string = (text) => text,
): Promise<FunctionApp> {
  const folder = await mkdtemp(join(tmpdir(), "reflex-app-"));
  const ours = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
  await mkdir(join(folder, "dist"));
  await copyFile(ours("dist/main.js"), join(folder, "dist/main.js"));
  await copyFile(ours("host.json"), join(folder, "host.json"));
  const manifest = { name: "reflex-app", type: "module", main: "dist/main.js" };
  await writeFile(join(folder, "package.json"), JSON.stringify(manifest));
  await writeFile(join(folder, "reflex.yaml"), configure(CONFIGURATION));
  await writeFile(join(folder, "kubeconfig.json"), kubeconfig);
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}
