import { armIdWithin, sameArmId } from "../model/arm-id.ts";
import type { DefenderRecord, DefenderReference } from "../model/defender-port.ts";
import { Conflict, Permanent, Refused, Retryable, sentence } from "../model/errors.ts";
import { clusterIds } from "../model/main-cluster.ts";
import type { SignalSummary } from "../model/remediation.ts";
import type { Signal } from "../model/signal.ts";
import { decodeEvent } from "../signals/index.ts";
import { type Engine, later } from "./engine.ts";
import type { Intended } from "./prepare.ts";
import { namedBy } from "./signal-identity.ts";
import { within } from "./within.ts";

/** What confirming has to know of a remediation; a stored record will do as well. */
type Asked = Pick<Intended, "signal" | "target" | "rule" | "clusterByRule" | "createdAt">;

/** How long Defender is waited for. */
const ANSWER_MS = 3_000;
/** An alert may be exported before it can be read: for so long from the claim it is asked for again. */
const SHOWN_WITHIN_MS = 60_000;
const ASK_AGAIN_MS = 10_000;
/** A row of Log Analytics bears the time of its ingestion, which comes after that of the alert. */
const YOUNGER_MS = 3_600_000;

/**
 * Reads the signal back from Defender, since who can send to the hub can forge. Null: Defender says the same; else the
 * sentence why a person has to decide. Raises `Retryable` while the alert is new and Defender does not show it yet.
 */
export async function confirm(engine: Engine, asked: Asked): Promise<string | null> {
  const { signal, createdAt } = asked;
  if (signal.kind === "manual") return null;
  const { reference } = signal;
  if (reference === null)
    return `the export does not say where Defender keeps this ${signal.kind}, so that it cannot be confirmed`;
  let record: DefenderRecord | null;
  try {
    record = await within(ANSWER_MS, "reading it back from Defender", engine.defender.find(reference));
  } catch (error) {
    return `Defender could not be asked to confirm this ${signal.kind}: ${told(error)}`;
  }
  const now = engine.clock.now();
  if (record !== null) return disagreement(engine, asked, reference, record);
  // Told this way round, a time that cannot be read is long ago.
  if (!(now < later(new Date(createdAt), SHOWN_WITHIN_MS)))
    return `Defender does not know this ${signal.kind}`;
  throw new Retryable(
    `Defender does not show this ${signal.kind} yet`,
    "It is asked for again by itself; after a minute a person decides.",
    { retryAfterMs: ASK_AGAIN_MS },
  );
}

function told(error: unknown): string {
  if (
    error instanceof Retryable ||
    error instanceof Permanent ||
    error instanceof Refused ||
    error instanceof Conflict
  ) {
    return sentence(error);
  }
  return `an unexpected fault (${error instanceof Error ? error.name : "unknown"})`;
}

/** The first thing in which Defender and the export do not agree; null where there is none. */
function disagreement(
  engine: Engine,
  asked: Asked,
  reference: DefenderReference,
  record: DefenderRecord,
): string | null {
  const { signal } = asked;
  const known = knownBy(record);
  return (
    otherRecord(signal, reference, record) ??
    otherResource(engine, asked, [...record.resourceIds, ...(known?.resourceIds ?? [])]) ??
    otherNames(signal, known) ??
    otherSeverity(signal, record) ??
    (record.open ? null : `Defender says that it is no longer open (${record.status})`) ??
    otherTime(asked, record, engine.clock.now())
  );
}

/** What the decoder makes of Defender's own record: it reads the forms of export and API alike. */
function knownBy(record: DefenderRecord): Signal | null {
  const [only, ...more] = decodeEvent(record.body);
  return only !== undefined && "signal" in only && more.length === 0 ? only.signal : null;
}

function otherRecord(
  signal: SignalSummary,
  reference: DefenderReference,
  record: DefenderRecord,
): string | null {
  const name = reference.kind === "assessment" ? reference.key : reference.name;
  if (!sameText(record.id, name)) return "Defender answered with another record than the one asked for";
  return record.key !== null && sameText(record.key, signal.key)
    ? null
    : `Defender calls it ${record.key ?? "nothing"}, the export ${signal.key ?? "nothing"}`;
}

function otherResource(
  { configuration }: Engine,
  { signal, target, clusterByRule }: Asked,
  resourceIds: readonly string[],
): string | null {
  const [main] = signal.resourceIds;
  if (main === undefined || !resourceIds.some((id) => sameArmId(id, main))) {
    return "Defender does not name the resource that the export names";
  }
  // A rule may name the cluster itself; then no alert speaks of it.
  if (!("cluster" in target) || clusterByRule) return null;
  // Defender names it by one of its ids, which need not be the one that we keep it by.
  const ids = clusterIds(configuration.clusters, target.cluster);
  return resourceIds.some((resource) => ids.some((id) => armIdWithin(resource, id)))
    ? null
    : "Defender does not name the target's cluster";
}

function otherNames(signal: SignalSummary, known: Signal | null): string | null {
  if (known === null) return "what Defender answered is no record that can be read";
  if (known.isSample && signal.unreal !== "sample") return "Defender says that it is a sample";
  const names = namedBy(known);
  const [other] = Object.entries(signal.named).find(([what, name]) => names[what] !== name) ?? [];
  return other === undefined ? null : `Defender does not name the ${other} that the export names`;
}

function otherSeverity({ severity }: SignalSummary, record: DefenderRecord): string | null {
  return sameText(record.severity, severity)
    ? null
    : `Defender says severity ${record.severity ?? "unknown"}, the export ${severity ?? "unknown"}`;
}

function otherTime({ signal, rule }: Asked, record: DefenderRecord, now: Date): string | null {
  const at = new Date(record.at ?? Number.NaN).getTime();
  // NaN compares false, so an unknown age counts as too old.
  if (!(now.getTime() - at <= rule.maxAgeMs))
    return `by Defender's own time (${record.at ?? "unknown"}) it is older than the rule allows`;
  const claimed = new Date(signal.at ?? Number.NaN).getTime();
  return claimed - at <= YOUNGER_MS
    ? null
    : `the export says ${signal.at ?? "no time"}, Defender ${record.at}: it was made to look younger`;
}

function sameText(first: string | null, second: string | null): boolean {
  return first?.toLowerCase() === second?.toLowerCase();
}
