import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { EventHubTrigger } from "./event-hub-input.ts";
import { toEventHubTrigger } from "./event-hub-input.ts";
import { pumpEvents } from "./event-hub-pump.ts";
import type { Checkpoints, EventHubSource } from "./event-hub-source.ts";
import type { FunctionApp, HostLog, InvocationInput, RegisteredFunction } from "./function-app.ts";
import { loadFunctionApp } from "./function-app.ts";
import type { HostKeys } from "./host-keys.ts";
import { readHostSettings, resolveSettings } from "./host-settings.ts";
import { createHttpResponder } from "./http-trigger.ts";
import type { TimerTrigger } from "./timer-trigger.ts";
import { createTimerTrigger } from "./timer-trigger.ts";
import type { InvocationResponse } from "./worker-types.ts";

/** What one Event Hubs function reads from and where its progress is kept. */
export interface EventHubConnection {
  readonly source: EventHubSource;
  readonly checkpoints: Checkpoints;
  /** Called once after the pump has ended. */
  close?(): Promise<void>;
}

/** How to start a local Functions host in this process. */
export interface FunctionsHostOptions {
  /** The built bundle, ESM or CJS. */
  readonly appFile: string;
  readonly hostFile: string;
  /** 0, the default, takes a free port. */
  readonly port?: number;
  readonly keys: HostKeys;
  /** App settings for `%NAME%` in bindings. */
  readonly settings?: Readonly<Record<string, string | undefined>>;
  /** Opens the hub of an Event Hubs trigger; needed when the app has one. */
  connect?(trigger: EventHubTrigger): Promise<EventHubConnection>;
  /** False leaves the timers to `tick`. */
  readonly timers?: boolean;
  /** The partitions of every hub that this host reads; all of them where it is absent. */
  readonly partitions?: readonly string[] | undefined;
  /** How long `stop` waits for running invocations; 10 seconds if not given. */
  readonly graceMs?: number;
  onLog?(log: HostLog): void;
}

/** A running host. */
export interface FunctionsHost {
  readonly url: string;
  readonly functionNames: readonly string[];
  /** Runs any function once, without retry policy; rejects with its error. */
  invoke(functionName: string, input: InvocationInput): Promise<InvocationResponse>;
  /** Fires a timer function now; rejects with its error. */
  tick(functionName: string): Promise<void>;
  /** Takes no new work, waits for what runs, checkpoints nothing more. True when everything ended in time. */
  stop(): Promise<boolean>;
}

const TICK_PATH = "/_host/tick/";

/** Counts what runs, so that a stop can wait for it. */
class RunningWork {
  readonly #running = new Set<Promise<unknown>>();

  track<T>(work: Promise<T>): Promise<T> {
    const settled = work.then(
      () => undefined,
      () => undefined,
    );
    this.#running.add(settled);
    void settled.then(() => this.#running.delete(settled));
    return work;
  }

  async settle(graceMs: number): Promise<boolean> {
    const over = new AbortController();
    const late = delay(graceMs, false, { signal: over.signal }).catch(() => false);
    const done = (async () => {
      while (this.#running.size > 0) await Promise.all(this.#running);
      return true;
    })();
    const inTime = await Promise.race([done, late]);
    over.abort();
    return inTime;
  }
}

function find(app: FunctionApp, name: string): RegisteredFunction {
  const target = app.functions.get(name);
  if (target === undefined) {
    throw new Error(`No function is named "${name}": there are ${[...app.functions.keys()].join(", ")}.`);
  }
  return target;
}

/** What the parts of one host share. */
interface HostParts {
  readonly app: FunctionApp;
  readonly options: FunctionsHostOptions;
  readonly signal: AbortSignal;
  readonly work: RunningWork;
  resolve(value: string): string;
  onError(sentence: string, error: unknown): void;
}

function createTimers({ app, signal, work, resolve, onError }: HostParts): Map<string, TimerTrigger> {
  const timers = new Map<string, TimerTrigger>();
  for (const target of app.functions.values()) {
    if (target.trigger.type.toLowerCase() !== "timertrigger") continue;
    const timer = createTimerTrigger({
      functionName: target.name,
      schedule: resolve(String(target.trigger["schedule"] ?? "")),
      runOnStartup: target.trigger["runOnStartup"] === true,
      policy: target.metadata.retryOptions,
      signal,
      invoke: (input) => work.track(app.invoke(target, input)),
      onError,
    });
    timers.set(target.name, timer);
  }
  return timers;
}

async function startPumps(parts: HostParts, maxEventBatchSize: number): Promise<() => Promise<void>> {
  const { app, options, signal, work, resolve, onError } = parts;
  const connections: EventHubConnection[] = [];
  for (const target of app.functions.values()) {
    if (target.trigger.type.toLowerCase() !== "eventhubtrigger") continue;
    const trigger = toEventHubTrigger(target.name, target.trigger, resolve);
    if (options.connect === undefined)
      throw new Error(`"${target.name}" reads a hub: give the host a connection.`);
    const connection = await options.connect(trigger);
    connections.push(connection);
    const { source, checkpoints } = connection;
    const policy = target.metadata.retryOptions;
    const invoke = (input: InvocationInput) => work.track(app.invoke(target, input));
    const pump = pumpEvents({
      trigger,
      source,
      checkpoints,
      maxEventBatchSize,
      policy,
      partitions: options.partitions,
      signal,
      invoke,
      onError,
    });
    work.track(pump).catch((error: unknown) => onError(`The pump of ${target.name} ended`, error));
  }
  return async () => {
    await Promise.all(connections.map((connection) => connection.close?.()));
  };
}

async function answerTick(
  timers: ReadonlyMap<string, TimerTrigger>,
  request: IncomingMessage,
  response: ServerResponse,
  name: string,
): Promise<void> {
  const timer = timers.get(name);
  const local = /^(::ffff:)?127\.|^::1$/.test(request.socket.remoteAddress ?? "");
  if (!local || request.method !== "POST" || timer === undefined) {
    response.writeHead(local ? 404 : 403).end();
    return;
  }
  const failure = await timer.tick().then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  response.writeHead(failure === undefined ? 200 : 500, { "content-type": "application/json" });
  response.end(JSON.stringify(failure === undefined ? { fired: name } : { fired: name, error: failure }));
}

/**
 * Loads a built function app into this process and runs its HTTP, timer and Event Hubs functions on
 * 127.0.0.1 as Azure does: routes and keys, six-field schedules, batches, retry policies, checkpoints.
 * Raises an error when the app, host.json or a connection is unusable.
 */
export async function startFunctionsHost(options: FunctionsHostOptions): Promise<FunctionsHost> {
  const onLog = (log: HostLog) => options.onLog?.(log);
  const onError = (sentence: string, error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    onLog({ level: "error", category: "host", message: `${sentence}: ${reason}` });
  };
  const settings = await readHostSettings(options.hostFile);
  const app = await loadFunctionApp(options.appFile, onLog);
  const stopping = new AbortController();
  const work = new RunningWork();
  const resolve = (value: string) => resolveSettings(value, options.settings ?? {});
  const parts: HostParts = { app, options, signal: stopping.signal, work, resolve, onError };
  const timers = createTimers(parts);
  const respond = createHttpResponder({
    app,
    keys: options.keys,
    routePrefix: settings.routePrefix,
    resolve,
    invoke: async (target, input) => (await app.invoke(target, input)).returnValue,
    onError,
  });
  const server = createServer((request, response) => {
    // The request line may hold anything: what is no path is no route either.
    const url = URL.parse(request.url ?? "/", `http://${request.headers.host ?? "127.0.0.1"}`);
    if (url === null) response.writeHead(400).end();
    else if (stopping.signal.aborted) response.writeHead(503).end();
    else if (url.pathname.startsWith(TICK_PATH)) {
      void work.track(answerTick(timers, request, response, url.pathname.slice(TICK_PATH.length)));
    } else void work.track(respond(request, response, url));
  });
  await new Promise<void>((listening, failed) => {
    server.once("error", failed);
    server.listen(options.port ?? 0, "127.0.0.1", listening);
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  let closeHubs: (() => Promise<void>) | undefined;
  async function stopNow(): Promise<boolean> {
    stopping.abort();
    const closed = new Promise((resolveClosed) => server.close(resolveClosed));
    const inTime = await work.settle(options.graceMs ?? 10_000);
    server.closeAllConnections();
    await closed;
    await app.terminate().catch((error: unknown) => onError("An appTerminate hook failed", error));
    await closeHubs?.().catch((error: unknown) => onError("The event hub cannot be closed", error));
    return inTime;
  }

  try {
    closeHubs = await startPumps(parts, settings.maxEventBatchSize);
  } catch (error) {
    await stopNow();
    throw error;
  }
  if (options.timers ?? true) for (const timer of timers.values()) void work.track(timer.run());

  let stopped: Promise<boolean> | undefined;
  return {
    url: `http://127.0.0.1:${port}`,
    functionNames: [...app.functions.keys()],
    invoke: async (functionName, input) => work.track(app.invoke(find(app, functionName), input)),
    async tick(functionName) {
      const timer = timers.get(find(app, functionName).name);
      if (timer === undefined) throw new Error(`"${functionName}" is no timer function.`);
      await timer.tick();
    },
    stop: () => (stopped ??= stopNow()),
  };
}
