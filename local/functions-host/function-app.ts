import { randomBytes, randomUUID } from "node:crypto";
import { pathToFileURL } from "node:url";
import { withRegistry } from "./core-module.ts";
import type {
  BindingInfo,
  CoreInvocationContext,
  FunctionCallback,
  FunctionMetadata,
  HookCallback,
  InvocationResponse,
  LogLevel,
  ProgrammingModel,
  RetryContext,
  TypedData,
} from "./worker-types.ts";

/** One log record of the app or of the library. */
export interface HostLog {
  readonly level: LogLevel;
  /** `user` for what the app logs, `system` for the library, `host` for this host. */
  readonly category: string;
  readonly message: string;
  readonly functionName?: string;
}

/** A function as registered, with its one trigger. */
export interface RegisteredFunction {
  readonly name: string;
  readonly metadata: FunctionMetadata;
  readonly triggerName: string;
  readonly trigger: BindingInfo;
  readonly callback: FunctionCallback;
}

/** What a trigger hands to one invocation. */
export interface InvocationInput {
  readonly data: TypedData;
  readonly triggerMetadata?: Record<string, TypedData>;
  readonly retryContext?: RetryContext;
}

/** A loaded app: its functions, and the way to run one of them. */
export interface FunctionApp {
  readonly functions: ReadonlyMap<string, RegisteredFunction>;
  /** Runs a function once; rejects with the handler's own error. */
  invoke(target: RegisteredFunction, input: InvocationInput): Promise<InvocationResponse>;
  /** Runs the app's `appTerminate` hooks. */
  terminate(): Promise<void>;
}

const SUPPORTED_TRIGGERS = new Set(["httptrigger", "eventhubtrigger", "timertrigger"]);
const HOOK_NAMES = new Set(["appStart", "appTerminate", "preInvocation", "postInvocation"]);

/** The error with which a host says that it does not know a hook; the library looks at the flag. */
function unknownHook(name: string): RangeError {
  return Object.assign(new RangeError(`This host has no hook "${name}".`), {
    isAzureFunctionsSystemError: true,
  });
}

function toRegistered(metadata: FunctionMetadata, callback: FunctionCallback): RegisteredFunction {
  let found: [string, BindingInfo] | undefined;
  for (const [name, binding] of Object.entries(metadata.bindings)) {
    if (/trigger$/i.test(binding.type)) found = [name, binding];
    else if (binding.type.toLowerCase() !== "http") {
      throw new Error(`Function "${metadata.name}": this host has no binding of type "${binding.type}".`);
    }
  }
  if (found === undefined) throw new Error(`Function "${metadata.name}" has no trigger.`);
  const [triggerName, trigger] = found;
  if (!SUPPORTED_TRIGGERS.has(trigger.type.toLowerCase())) {
    throw new Error(`Function "${metadata.name}": this host has no trigger of type "${trigger.type}".`);
  }
  return { name: metadata.name, metadata, triggerName, trigger, callback };
}

class LoadedApp implements FunctionApp {
  readonly functions = new Map<string, RegisteredFunction>();
  readonly #hooks = new Map<string, Set<HookCallback>>();
  readonly #onLog: (log: HostLog) => void;
  readonly #appHookData: Record<string, unknown> = {};
  #model: ProgrammingModel | undefined;

  constructor(onLog: (log: HostLog) => void) {
    this.#onLog = onLog;
  }

  registerFunction(metadata: FunctionMetadata, callback: FunctionCallback): void {
    if (this.functions.has(metadata.name))
      throw new Error(`Function "${metadata.name}" is registered twice.`);
    this.functions.set(metadata.name, toRegistered(metadata, callback));
  }

  registerHook(name: string, callback: HookCallback): () => void {
    if (!HOOK_NAMES.has(name)) throw unknownHook(name);
    const callbacks = this.#hooks.get(name) ?? new Set<HookCallback>();
    this.#hooks.set(name, callbacks.add(callback));
    return () => callbacks.delete(callback);
  }

  setProgrammingModel(model: ProgrammingModel): void {
    this.#model = model;
  }

  log(level: LogLevel, category: string, message: string): void {
    this.#onLog({ level, category, message });
  }

  async start(): Promise<void> {
    if (this.#model === undefined || this.functions.size === 0) {
      throw new Error("The app registered no function: does its bundle keep @azure/functions-core external?");
    }
    // The library locks its set-up here, as after the start in Azure.
    const capabilities = await this.#model.getCapabilities({});
    if (capabilities["HttpUri"] !== undefined)
      throw new Error("This host does not stream HTTP: leave it off.");
    await this.#runHooks("appStart", { hookData: {}, appHookData: this.#appHookData });
  }

  async terminate(): Promise<void> {
    await this.#runHooks("appTerminate", { hookData: {}, appHookData: this.#appHookData });
  }

  async invoke(target: RegisteredFunction, input: InvocationInput): Promise<InvocationResponse> {
    if (this.#model === undefined) throw new Error("The app has not been started.");
    const core: CoreInvocationContext = {
      invocationId: randomUUID(),
      metadata: target.metadata,
      request: {
        inputData: [{ name: target.triggerName, data: input.data }],
        triggerMetadata: input.triggerMetadata ?? {},
        traceContext: {
          traceParent: `00-${randomBytes(16).toString("hex")}-${randomBytes(8).toString("hex")}-01`,
        },
        ...(input.retryContext === undefined ? {} : { retryContext: input.retryContext }),
      },
      state: undefined,
      log: (level, category, message) => this.#onLog({ level, category, message, functionName: target.name }),
    };
    const model = this.#model.getInvocationModel(core);
    const { context, inputs } = await model.getArguments();
    // One bag for both hooks of an invocation: each may replace inputs, callback, result and error.
    const bag = {
      hookData: {},
      appHookData: this.#appHookData,
      invocationContext: context,
      inputs,
      functionCallback: target.callback,
    };
    core.state = "preInvocationHooks";
    await this.#runHooks("preInvocation", bag);
    core.state = "invocation";
    const outcome: { result?: unknown; error?: unknown } = {};
    try {
      outcome.result = await model.invokeFunction(context, bag.inputs, bag.functionCallback);
    } catch (error) {
      outcome.error = error ?? new Error("The function threw nothing.");
    }
    core.state = "postInvocationHooks";
    const after = Object.assign(bag, { result: undefined, error: undefined }, outcome);
    await this.#runHooks("postInvocation", after);
    core.state = undefined;
    if (after.error !== undefined && after.error !== null) throw after.error;
    return await model.getResponse(context, after.result);
  }

  async #runHooks(name: string, context: Record<string, unknown>): Promise<void> {
    for (const hook of this.#hooks.get(name) ?? []) await hook(context);
  }
}

let loads = 0;

/**
 * Imports a built app bundle (ESM or CJS) in this process and collects its functions.
 * Each call evaluates the bundle anew. Raises an error for triggers and bindings that this host has not.
 */
export async function loadFunctionApp(file: string, onLog: (log: HostLog) => void): Promise<FunctionApp> {
  const app = new LoadedApp(onLog);
  loads += 1;
  const url = `${pathToFileURL(file).href}?load=${loads}`;
  await withRegistry(app, () => import(/* @vite-ignore */ url));
  await app.start();
  return app;
}
