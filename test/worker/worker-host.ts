import { pathToFileURL } from "node:url";
import { z } from "zod";
import type { WorkerPlace } from "./worker-place.ts";

/** One value of the worker's protocol: exactly one key, such as `{ json }` or `{ collectionBytes: { bytes } }`. */
export type TypedData = Readonly<Record<string, unknown>>;

/** What an invocation gets. */
export interface Input {
  readonly data: TypedData;
  readonly metadata?: Readonly<Record<string, TypedData>>;
}

type Call = (...given: unknown[]) => unknown;
const call = z.custom<Call>((value) => typeof value === "function");

const driverSchema = z.object({ startWorkerHost: call });
const outcomeSchema = z.object({
  status: z.string(),
  exception: z.object({ message: z.string().optional() }).nullish(),
  http: z
    .object({ status: z.number(), headers: z.record(z.string(), z.string()), body: z.string() })
    .optional(),
});
const hostSchema = z.object({
  functions: z.record(
    z.string(),
    z.object({
      bindings: z.array(z.record(z.string(), z.unknown())),
      retry: z.record(z.string(), z.unknown()).nullish(),
    }),
  ),
  metadata: z.object({ workerVersion: z.string(), runtimeVersion: z.string() }),
  // The very array, which grows; a parsed one would be a copy.
  stdout: z.custom<readonly string[]>((value) => Array.isArray(value)),
  startMs: z.number(),
  invoke: call,
  stop: call,
});

/** A worker that has loaded an app. */
export type RunningWorker = Omit<z.infer<typeof hostSchema>, "invoke" | "stop"> & {
  invoke(name: string, input: Input): Promise<z.infer<typeof outcomeSchema>>;
  stop(): Promise<void>;
};

/** Starts the worker and loads the app as the Functions host does. Raises what worker or app say when they do not start. */
export async function startWorker(
  place: WorkerPlace,
  app: string,
  env: Readonly<Record<string, string>>,
): Promise<RunningWorker> {
  const driver = driverSchema.parse(await import(pathToFileURL(place.driver).href));
  const host = hostSchema.parse(await driver.startWorkerHost({ worker: place.worker, app, env }));
  return {
    ...host,
    invoke: async (name, input) => outcomeSchema.parse(await host.invoke(name, input)),
    stop: async () => {
      await host.stop();
    },
  };
}
