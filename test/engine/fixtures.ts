import type { AzurePort } from "../../src/model/azure-port.ts";
import type { DefenderPort } from "../../src/model/defender-port.ts";
import type { RuleAsItWas, SignalSummary } from "../../src/model/remediation.ts";
import type { Budgets } from "../../src/model/rule.ts";
import { type Lane, LEAST_URGENT } from "../../src/store/record-rows.ts";

/** What a rule says that limits itself in nothing. */
export const UNLIMITED: Pick<RuleAsItWas, "scope" | "windows" | "whenOld" | "perHour" | "approvalMs"> = {
  scope: { allow: [], deny: [] },
  windows: [],
  whenOld: "approve",
  perHour: null,
  approvalMs: 86_400_000,
};

/** A signal that is neither sample nor snapshot, and that cannot be read back. */
export const REAL: Pick<SignalSummary, "unreal" | "reference" | "named"> = {
  unreal: null,
  reference: null,
  named: {},
};

/** What a record has before anybody decided about it. */
export const UNDECIDED = {
  approval: null,
  askedAt: null,
  reminded: false,
  extendedTo: null,
  build: "b0",
} as const;

/** What Azure adds to the facts of a target where no scope asks for it. */
export const UNASKED = { tags: null, managementGroups: null } as const;

/** A Defender that knows nothing. */
export const noDefender: DefenderPort = { find: () => Promise.resolve(null) };

/** An Azure without tags and management groups. */
export const noAzure: AzurePort = {
  tags: () => Promise.resolve({}),
  managementGroups: () => Promise.resolve([]),
};

/** What a drive row says that waits on nothing and is not urgent. */
export const NO_LANE: Lane = { cluster: "", urgency: LEAST_URGENT };

/** Budgets that no test reaches by accident. */
export const ROOMY: Budgets = {
  perPlaybook: 1_000,
  perRule: 1_000,
  perCluster: 1_000,
  perNamespace: 1_000,
  perSubscription: 1_000,
  shareOfWorkload: 1,
  shareOfNamespace: 1,
  messagesPerChannel: 1_000,
};
