import Module from "node:module";
import type {
  FunctionCallback,
  FunctionMetadata,
  HookCallback,
  LogLevel,
  ProgrammingModel,
} from "./worker-types.ts";

/** Where the registrations of the app that is being loaded go. */
export interface AppRegistry {
  registerFunction(metadata: FunctionMetadata, callback: FunctionCallback): void;
  registerHook(name: string, callback: HookCallback): () => void;
  setProgrammingModel(model: ProgrammingModel): void;
  log(level: LogLevel, category: string, message: string): void;
}

const CORE_MODULE = "@azure/functions-core";
let loading: AppRegistry | undefined;
let lastModel: ProgrammingModel | undefined;
let installed = false;

/** The error that the real worker raises: it names what the app did too late. */
function registry(what: string): AppRegistry {
  if (loading === undefined) {
    throw new Error(
      `${what} is possible only while the app is loaded: call it at the top level of a module.`,
    );
  }
  return loading;
}

class Disposable {
  readonly #undo: () => void;
  constructor(undo: () => void) {
    this.#undo = undo;
  }
  dispose(): void {
    this.#undo();
  }
}

const core = {
  version: "4.0.0",
  hostVersion: "4.1000.0",
  Disposable,
  registerFunction(metadata: FunctionMetadata, callback: FunctionCallback): Disposable {
    registry(`Registering function "${metadata.name}"`).registerFunction(metadata, callback);
    return new Disposable(() => undefined);
  },
  registerHook(name: string, callback: HookCallback): Disposable {
    return new Disposable(registry(`Registering hook "${name}"`).registerHook(name, callback));
  },
  setProgrammingModel(model: ProgrammingModel): void {
    lastModel = model;
    registry("Setting the programming model").setProgrammingModel(model);
  },
  getProgrammingModel(): ProgrammingModel | undefined {
    return lastModel;
  },
  log(level: LogLevel, category: string, message: string): void {
    loading?.log(level, category, message);
  },
};

/**
 * Supplies `@azure/functions-core` to the library. No such package exists; the real worker answers the
 * library's lazy `require` the same way. It must run before the app's first `app.*` call: the library
 * remembers a failed look-up for the life of the process.
 */
function installCoreModule(): void {
  if (installed) return;
  installed = true;
  const original = Module.prototype.require;
  function requireWithCore(this: Module, id: string): unknown {
    return id === CORE_MODULE ? core : original.call(this, id);
  }
  Module.prototype.require = Object.assign(requireWithCore, original);
}

/**
 * Runs `load` with `target` as the place of all registrations. One app at a time: apps that share one
 * copy of the library share its memory of the core module.
 */
export async function withRegistry(target: AppRegistry, load: () => Promise<unknown>): Promise<void> {
  if (loading !== undefined)
    throw new Error("Another function app is being loaded: load them one after another.");
  installCoreModule();
  loading = target;
  try {
    await load();
    // A second app on the same copy of the library does not set the model again.
    if (lastModel !== undefined) target.setProgrammingModel(lastModel);
  } finally {
    loading = undefined;
  }
}
