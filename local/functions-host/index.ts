export type { EventHubTrigger } from "./event-hub-input.ts";
export type { Checkpoints, EventHubSource, StoredEvent } from "./event-hub-source.ts";
export { createFileCheckpoints } from "./file-checkpoints.ts";
export type { HostLog } from "./function-app.ts";
export type { EventHubConnection, FunctionsHost, FunctionsHostOptions } from "./host.ts";
export { startFunctionsHost } from "./host.ts";
export type { HostKeys } from "./host-keys.ts";
export type { HostProcess, HostProcessOptions, ProcessEnd } from "./host-process.ts";
export { startHostProcess } from "./host-process.ts";
