import { Refused } from "../model/errors.ts";
import { onMainCluster } from "../model/main-cluster.ts";
import type { Mode } from "../model/mode.ts";
import type { Remediation } from "../model/remediation.ts";
import type { Target } from "../model/target.ts";
import type { Word } from "../model/word.ts";
import { shardOf, signalHash, signalRowKey, targetHash } from "../store/row-keys.ts";
import { begin } from "./begin.ts";
import type { Work } from "./claim.ts";
import { APPROVAL_MS, type Engine } from "./engine.ts";
import { changesNothing } from "./evidence.ts";
import { finishRun } from "./finish-run.ts";
import { readRecord } from "./read-record.ts";

/** A person's run of one playbook on one target. */
export interface ManualRun {
  readonly playbook: string;
  readonly target: Target;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly mode: Mode;
  readonly ttlMs: number | null;
  readonly notify: readonly string[];
  readonly by: Word;
  /** The same key again is the same run. */
  readonly idempotencyKey: string;
}

const COOLDOWN_MS = 3_600_000;
const MAX_AGE_MS = 24 * 3_600_000;

/**
 * Runs a playbook because a person asked: the same claim, guard and ceiling as for an alert. Raises `Refused` for what
 * the request itself gets wrong, `StoreUnreachable` when the store does not answer.
 */
export async function runManually(engine: Engine, asked: ManualRun): Promise<Remediation> {
  // People name a cluster as the configuration does, or by any of its ids; the records by its main one.
  const run = { ...asked, target: onMainCluster(engine.configuration.clusters, asked.target) };
  const playbook = engine.playbooks.get(run.playbook);
  if (playbook === undefined) {
    const names = [...engine.playbooks.keys()].join(", ");
    throw new Refused(`there is no playbook ${run.playbook}`, `Use one of: ${names}.`);
  }
  if (playbook.target !== run.target.kind) {
    throw new Refused(
      `${run.playbook} acts on a ${playbook.target}, not on a ${run.target.kind}`,
      `Give a target of kind ${playbook.target}.`,
    );
  }
  const parameters = playbook.parameters.safeParse(run.parameters);
  if (!parameters.success) {
    const [issue] = parameters.error.issues;
    const where = issue?.path.join(".") ?? "";
    throw new Refused(
      `parameter ${where === "" ? "list" : where}: ${issue?.message ?? "invalid"}`,
      "Correct it and run again.",
    );
  }
  const record =
    (await sameRun(engine, run)) ?? (await finishRun(engine, await begin(engine, workOf(engine, run))));
  if (record === null)
    throw new Refused("the run left no record", "Run it again; if this repeats, look at the log.");
  return record;
}

/** What this very run began or joined before: later ones may have followed it on the target. */
async function sameRun(engine: Engine, run: ManualRun): Promise<Remediation | null> {
  const hash = targetHash(run.target, changesNothing(engine, run.playbook));
  const key = signalRowKey(hash, run.playbook, signalHash(identityOf(run)));
  const row = await engine.table.get(shardOf(hash), key);
  return row === null ? null : readRecord(engine, String(row.cells["id"]));
}

function identityOf(run: ManualRun): string {
  return `manual:${run.idempotencyKey}`;
}

function workOf(engine: Engine, run: ManualRun): Work {
  const now = engine.clock.now().toISOString();
  const identity = identityOf(run);
  return {
    playbook: run.playbook,
    target: run.target,
    unresolved: false,
    decided: null,
    // Who asks by hand has seen what there is to see.
    evidence: [],
    aside: changesNothing(engine, run.playbook),
    mode: run.mode,
    clusterByRule: true,
    requestedBy: run.by,
    rule: {
      name: "manual",
      mode: run.mode,
      ttlMs: run.ttlMs,
      cooldownMs: COOLDOWN_MS,
      maxAgeMs: MAX_AGE_MS,
      notify: run.notify,
      labels: {},
      parameters: run.parameters,
      releaseWhenResolved: false,
      scope: { allow: [], deny: [] },
      windows: [],
      whenOld: "record",
      perHour: null,
      approvalMs: APPROVAL_MS,
      configuration: engine.configuration.hash,
    },
    signals: [
      {
        signal: null,
        body: null,
        summary: {
          identity,
          id: identity,
          kind: "manual",
          key: null,
          title: run.by.why,
          severity: null,
          subscriptionId: null,
          at: now,
          startedAt: null,
          resourceIds: [],
          unreal: null,
          reference: null,
          named: {},
        },
      },
    ],
  };
}
