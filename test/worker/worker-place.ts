import { existsSync } from "node:fs";
import { resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** Where the built worker and the program that drives it are. */
export interface WorkerPlace {
  readonly worker: string;
  readonly driver: string;
}

const repository = fileURLToPath(new URL("../..", import.meta.url));

/**
 * Finds a built Azure Functions Node.js worker (`REFLEX_NODE_WORKER`) and its driver (`REFLEX_WORKER_HOST`, or beside
 * the repository). A sentence says what is missing. With `REFLEX_WORKER_REQUIRED=true` that raises instead.
 */
export function findWorker(): WorkerPlace | string {
  const found = lookForWorker();
  if (typeof found === "string" && process.env["REFLEX_WORKER_REQUIRED"] === "true") throw new Error(found);
  return found;
}

function lookForWorker(): WorkerPlace | string {
  const worker = process.env["REFLEX_NODE_WORKER"];
  if (worker === undefined || worker === "") {
    return "REFLEX_NODE_WORKER is not set: name the folder of a built Azure Functions Node.js worker.";
  }
  if (!existsSync(worker)) return `REFLEX_NODE_WORKER: there is no folder ${worker}.`;
  const driver = resolve(process.env["REFLEX_WORKER_HOST"] ?? `${repository}../shared/tools/worker-host.mjs`);
  if (!existsSync(driver)) return "REFLEX_WORKER_HOST is not set: name the program that drives the worker.";
  return { worker: resolve(worker), driver };
}
