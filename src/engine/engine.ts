import type { AzurePort } from "../model/azure-port.ts";
import type { Clock, Randomness } from "../model/clock.ts";
import type { DefenderPort } from "../model/defender-port.ts";
import type { Log } from "../model/log.ts";
import type { ChannelPort } from "../model/message.ts";
import type { AnyPlaybook, WritePorts } from "../model/playbook.ts";
import type { Configuration } from "../rules/index.ts";
import type { Table } from "../store/table.ts";
import type { RecentSignals } from "./recent-signals.ts";
import type { Switches } from "./switches.ts";

/** Everything that the engine works with; handed in by a composition root, so that nothing is reached for. */
export interface Engine {
  readonly table: Table;
  readonly configuration: Configuration;
  readonly playbooks: ReadonlyMap<string, AnyPlaybook>;
  readonly ports: WritePorts;
  readonly defender: DefenderPort;
  readonly azure: AzurePort;
  /** The app setting says `off`: every forward write is held, without asking the store. */
  readonly held: boolean;
  /** Hash of the build that runs. */
  readonly build: string;
  readonly channels: ChannelPort;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Log;
  /** Only saves work; never decides. */
  readonly recent: RecentSignals;
  /** What people switched off, as last read. */
  readonly switches: Switches;
}

/** How long a driver owns a target. Never renewed; well over the work in it plus a minute of clock skew. */
export const LEASE_MS = 120_000;
/** Work inside one lease; no outside call is begun after it. */
export const WORK_MS = 30_000;
/** Reading, planning and guarding before a claim. */
export const PLAN_MS = 3_000;
/** How long an approval is waited for. */
export const APPROVAL_MS = 24 * 3_600_000;
/** A containment in force is read back this often, once its first hours have passed. */
export const RECHECK_MS = 24 * 3_600_000;
/** Tries of one step before a passing fault counts as a lasting one. */
export const ATTEMPTS = 8;

/** A moment `ms` after another. */
export function later(at: Date, ms: number): Date {
  return new Date(at.getTime() + ms);
}
