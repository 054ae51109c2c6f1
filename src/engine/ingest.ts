import type { Undecodable } from "../model/signal.ts";
import { targetKey } from "../model/target.ts";
import { asksForLabels, decide, type Facts } from "../rules/index.ts";
import { decodeEvent } from "../signals/index.ts";
import { StoreUnreachable } from "../store/table.ts";
import { type Begun, begin } from "./begin.ts";
import { byCluster } from "./by-cluster.ts";
import type { Work } from "./claim.ts";
import { claimLate } from "./claim-late.ts";
import { closeBy } from "./close-by.ts";
import { type BatchSignal, collectWork, type Wanted, wantedOf } from "./collect-work.ts";
import type { Committed } from "./commit.ts";
import { sendNow } from "./deliver.ts";
import { drive } from "./drive.ts";
import { type Engine, later } from "./engine.ts";
import { inParallel } from "./in-parallel.ts";
import { knownLabels } from "./known-labels.ts";
import { type HubEvent, park } from "./parked-events.ts";
import { signalIdentity } from "./signal-identity.ts";
import { noteEvent } from "./silence.ts";

/** What became of the records of a batch. The four add up to `records`. */
export interface IngestCounts {
  readonly events: number;
  readonly records: number;
  /** A remediation was begun with it, alone or with others of the batch. */
  readonly recorded: number;
  /** Decided before, taken into what is there already, or closing it. */
  readonly joined: number;
  readonly parked: number;
  readonly unmatched: number;
}

/** After this long the rest of a batch is claimed without a plan: a partition waits for its batch, so nobody waits in it. */
const BATCH_MS = 20_000;
const LANES = 16;

interface Piece extends BatchSignal {
  readonly event: HubEvent;
}

type Fate = "recorded" | "joined" | "parked" | "unmatched";
type WantedOfPiece = Wanted & { readonly from: Piece };

/** What one batch needs all the way: its pieces, what became of each, and until when it may read. */
interface Batch {
  readonly engine: Engine;
  readonly until: Date;
  readonly fates: Map<Piece, Fate>;
  /** Events that are parked whole already. */
  readonly whole: Set<HubEvent>;
}

/**
 * One batch of the hub: every record is decided, joined, parked or deliberately unmatched before this returns, and the
 * counts add up. A bad event never fails the batch. Raises `StoreUnreachable` only: then the host repeats the batch.
 */
export async function ingest(engine: Engine, events: readonly HubEvent[]): Promise<IngestCounts> {
  const until = later(engine.clock.now(), BATCH_MS);
  const { pieces, broken } = decodeAll(events);
  await inParallel(LANES, broken, ({ event, index, piece }) =>
    park(engine, event, index, piece.parked, piece.bytes),
  );
  const fates = new Map<Piece, Fate>(pieces.map((piece) => [piece, "unmatched"]));
  const batch: Batch = { engine, until, fates, whole: new Set() };
  const facts = new Map<Piece, Facts>();
  const asking = asksForLabels(engine.configuration) ? pieces : [];
  const clusterOf = ({ signal }: Piece): string => signal.cluster?.resourceId ?? "";
  await byCluster(LANES, asking, clusterOf, async (piece) => {
    facts.set(piece, await knownLabels(engine, piece.signal, until));
  });
  const wanted = pieces.flatMap((piece) => wantedFor(batch, piece, facts.get(piece)));
  // What closes something of this very batch comes after it, all else before: it makes room for what is new.
  const begins = new Set(wanted.map(({ from }) => from.signal.id.toLowerCase()));
  const [first = [], last = []] = [false, true].map((within) =>
    pieces.filter(({ signal }) => begins.has(signal.id.toLowerCase()) === within),
  );
  await closeAll(batch, first);
  const messages = await doAll(batch, wanted);
  await closeAll(batch, last);
  // What is replayed does not show that the export still sends.
  await noteEvent(engine, events.filter(({ parkAgain }) => parkAgain === undefined).length);
  await sendNow(engine, messages);
  return counted(engine, events.length, broken.length, [...fates.values()]);
}

function decodeAll(events: readonly HubEvent[]): {
  readonly pieces: Piece[];
  readonly broken: { event: HubEvent; index: number; piece: Undecodable }[];
} {
  const pieces: Piece[] = [];
  const broken: { event: HubEvent; index: number; piece: Undecodable }[] = [];
  for (const event of events) {
    for (const [index, piece] of decodeEvent(event.body).entries()) {
      if ("parked" in piece) broken.push({ event, index, piece });
      else pieces.push({ ...piece, event });
    }
  }
  return { pieces, broken };
}

/** What the rules want of a record, less what this process knows to be recorded. */
function wantedFor({ engine, fates }: Batch, piece: Piece, facts: Facts | undefined): WantedOfPiece[] {
  const all = wantedOf(piece, decide(piece.signal, engine.configuration, facts));
  const left = all.filter(
    ({ decision, cluster }) =>
      !engine.recent.has(signalIdentity(piece.signal), decision.playbook, cluster ?? ""),
  );
  if (all.length > 0) fates.set(piece, "joined");
  return left.map((one) => ({ ...one, from: piece }));
}

/** What was resolved, deleted or is healthy again ends what still waits for it. */
async function closeAll(batch: Batch, pieces: readonly Piece[]): Promise<void> {
  const { engine, fates } = batch;
  await inParallel(LANES, pieces, async (piece) => {
    try {
      if ((await closeBy(engine, piece.signal)) && fates.get(piece) === "unmatched")
        fates.set(piece, "joined");
    } catch (fault) {
      await parkWhole(batch, [piece], fault);
    }
  });
}

/** Carries out what is wanted, target by target. */
async function doAll(batch: Batch, wanted: readonly WantedOfPiece[]): Promise<Committed["messages"]> {
  const { engine, until, fates } = batch;
  const messages: Committed["messages"][number][] = [];
  const works = await collectWork(engine, wanted, {
    until,
    onFault: ({ from }, fault) => parkWhole(batch, [from], fault),
  });
  const piecesOf = Map.groupBy(
    wanted.map(({ from }) => from),
    ({ signal }) => signalIdentity(signal),
  );
  const lanes = Map.groupBy(works, ({ target }) => targetKey(target));
  const piecesIn = (work: Work) =>
    work.signals.flatMap(({ summary }) => piecesOf.get(summary.identity) ?? []);
  const late: Work[] = [];
  // What happens to one target has one order.
  const clusterOf = ([first]: readonly Work[]): string =>
    first !== undefined && "cluster" in first.target ? first.target.cluster : "";
  await byCluster(LANES, [...lanes.values()], clusterOf, async (ofTarget) => {
    for (const work of ofTarget) {
      if (engine.clock.now() >= until && work.decided === null) late.push(work);
      else messages.push(...(await doOne(batch, work, piecesIn(work))));
    }
  });
  const left = new Set(await claimLate(engine, late));
  for (const work of late) {
    if (left.has(work)) messages.push(...(await doOne(batch, work, piecesIn(work))));
    else setRecorded(batch, piecesIn(work));
  }
  for (const { from, decision, cluster } of wanted) {
    if (fates.get(from) !== "parked") {
      engine.recent.add(signalIdentity(from.signal), decision.playbook, cluster ?? "");
    }
  }
  return messages;
}

async function doOne(batch: Batch, work: Work, pieces: readonly Piece[]): Promise<Committed["messages"]> {
  const { engine, until } = batch;
  try {
    const begun = await begin(engine, work, engine.clock.now() >= until);
    if (begun.outcome === "recorded") setRecorded(batch, pieces);
    return [...begun.messages, ...(await follow(engine, begun, until))];
  } catch (fault) {
    await parkWhole(batch, pieces, fault, work.playbook);
    return [];
  }
}

/** What one playbook parked stays parked, whatever another made of it. */
function setRecorded({ fates }: Batch, pieces: readonly Piece[]): void {
  for (const piece of pieces) if (fates.get(piece) !== "parked") fates.set(piece, "recorded");
}

/** What faults unexpectedly is parked: its event with all its bytes, once. Raises `StoreUnreachable` when it was that. */
async function parkWhole(
  { engine, fates, whole }: Batch,
  pieces: readonly Piece[],
  fault: unknown,
  playbook: string | null = null,
): Promise<void> {
  if (fault instanceof StoreUnreachable) throw fault;
  const name = (fault instanceof Error ? `${fault.name}: ${fault.message}` : "unknown").slice(0, 300);
  engine.log({ level: "error", event: "engine fault", facts: { playbook, fault: name } });
  for (const piece of pieces) {
    fates.set(piece, "parked");
    if (whole.has(piece.event)) continue;
    whole.add(piece.event);
    await park(engine, piece.event, "event", `the engine failed on it (${name})`, piece.event.body);
  }
}

/** Drives what was claimed, and what waited for the lease that this dropped. */
async function follow(engine: Engine, begun: Begun, until: Date): Promise<Committed["messages"]> {
  if (begun.drive === null && !begun.wake) return [];
  const from = begun.drive === null ? {} : { claimed: begun.drive };
  const driven = await drive(engine, begun.id, until, from);
  const messages = [...driven.messages];
  for (const id of driven.waiting) {
    if (engine.clock.now() >= until) break;
    messages.push(...(await drive(engine, id, until)).messages);
  }
  return messages;
}

function counted(engine: Engine, events: number, broken: number, fates: readonly Fate[]): IngestCounts {
  const count = (fate: Fate): number => fates.filter((one) => one === fate).length;
  const counts: IngestCounts = {
    events,
    records: fates.length + broken,
    recorded: count("recorded"),
    joined: count("joined"),
    parked: count("parked") + broken,
    unmatched: count("unmatched"),
  };
  engine.log({ level: "info", event: "batch", facts: { ...counts } });
  return counts;
}
