import type { ContainerClient } from "@azure/storage-blob";
import { MOST_ENTRIES } from "../../model/admission-list.ts";
import type { Clock } from "../../model/clock.ts";
import { Permanent, Refused, Retryable } from "../../model/errors.ts";
import { fluxCluster, fluxContainer } from "../../model/flux-container.ts";
import { ownerOfEntry } from "../../model/incident-mark.ts";
import type { BlockList } from "../../model/kubernetes-objects.ts";
import type { KubernetesReader, KubernetesWriter } from "../../model/kubernetes-port.ts";
import type { ClusterConnect, ClusterConnection } from "../../model/rule.ts";
import type { Arm } from "../arm/index.ts";
import { blindPorts } from "./blind-ports.ts";
import { createFluxConfiguration, type FluxView } from "./flux-configuration.ts";
import { createListBlob, LIST_BLOB, notOurs } from "./list-blob.ts";
import { EMPTY_LIST, entriesOf, type ListManifest, readManifest, writeManifest } from "./list-manifest.ts";

/** How Azure and the container are reached. */
export interface PullMeans {
  readonly arm: Arm;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly openContainer: (url: string) => Promise<ContainerClient>;
}

/** Tries of one change over other processes' before it is left to the next of the engine. */
const MOST_TRIES = 8;

type ByFlux = Extract<ClusterConnect, { kind: "flux" }>;

/** The manifest as it lies there, or the empty one, and its version. */
interface Laid {
  readonly manifest: ListManifest;
  readonly etag: string | null;
}

/**
 * The ports to a cluster that fetches the block list by itself: the list is one blob, whose ETag is its version. Azure is
 * asked first whether the cluster does fetch it. All else is refused, see `blindPorts`. Raises `Permanent` where the
 * address or the ids are not such as may be used.
 */
export function openPulled(
  { id, aliases, name }: Pick<ClusterConnection, "id" | "aliases" | "name">,
  connect: ByFlux,
  { arm, clock, timeoutMs, openContainer }: PullMeans,
): { readonly reader: KubernetesReader; readonly writer: KubernetesWriter } {
  const container = fluxContainer(connect.container);
  const cluster = fluxCluster([id, ...aliases]);
  if (container === null || cluster === undefined) {
    throw new Permanent(
      `Cluster ${name} cannot be reached by Flux as it is written.`,
      "Look at its container and its ids.",
    );
  }
  const place = `${container.url}/${LIST_BLOB}`;
  const fetched = createFluxConfiguration(
    { cluster, configuration: connect.configuration, container },
    arm,
    clock,
  );
  const blob = createListBlob(() => openContainer(container.url), place, timeoutMs);
  const read = async (): Promise<Laid> => {
    const found = await blob.read();
    if (found === null) return { manifest: EMPTY_LIST, etag: null };
    const manifest = readManifest(found.text);
    if (manifest === null) throw notOurs(place);
    return { manifest, etag: found.etag };
  };
  const inTurn = takeTurns({ clock, timeoutMs, place });
  const { reader, writer } = blindPorts(name);
  return {
    reader: {
      ...reader,
      pulls: true,
      async blockList() {
        // First, so that nothing is asked of a container that is not the cluster's.
        const view = await fetched();
        const { manifest, etag } = await read();
        return listOf(place, entriesOf(manifest), etag, view);
      },
      async marked() {
        const { manifest } = await read();
        return Object.entries(entriesOf(manifest)).flatMap(([key, value]) => {
          const owner = ownerOfEntry(value);
          return owner === null ? [] : [{ object: `block list entry ${key}`, remediationId: owner }];
        });
      },
    },
    writer: {
      ...writer,
      async changeBlockList(seen, changes) {
        const view = await fetched();
        const change = async (): Promise<BlockList | null> => {
          const { manifest, etag } = await read();
          const before = entriesOf(manifest);
          if (Object.keys(changes).some((key) => before[key] !== seen.entries[key])) throw moved(place);
          const entries = changed(before, changes);
          const written = await blob.write(writeManifest(manifest, entries), etag).catch(nullWhereMoved);
          return written === null ? null : listOf(place, entries, written, view);
        };
        return inTurn(change);
      },
    },
  };
}

function listOf(
  place: string,
  entries: Readonly<Record<string, string>>,
  etag: string | null,
  view: FluxView,
): BlockList {
  return {
    uid: place,
    resourceVersion: versionOf(etag),
    entries,
    managers: [],
    form: "AdmissionList",
    pulled: { place, ...view },
  };
}

/** Empty: there is no blob yet. */
function versionOf(etag: string | null): string {
  return etag ?? "";
}

function changed(
  before: Readonly<Record<string, string>>,
  changes: Readonly<Record<string, string | null>>,
): Readonly<Record<string, string>> {
  const after = Object.fromEntries(
    Object.entries({ ...before, ...changes }).flatMap(([key, value]) =>
      value === null ? [] : [[key, value]],
    ),
  );
  // Here nobody else says so before the whole list is refused by the cluster, where nobody sees it.
  if (Object.keys(after).length <= MOST_ENTRIES) return after;
  throw new Refused(`The block list is full with ${MOST_ENTRIES} entries.`, "Take some of them back.");
}

/**
 * Changes of one blob after one another: of a wave that writes at once all but one would be sent back each time. Where
 * another process came between (null), it is read and tried again. Nobody begins later than a call may take; raises
 * `Retryable`.
 */
function takeTurns({ clock, timeoutMs, place }: Pick<PullMeans, "clock" | "timeoutMs"> & { place: string }) {
  let last: Promise<unknown> = Promise.resolve();
  return <T>(change: () => Promise<T | null>): Promise<T> => {
    const end = clock.now().getTime() + timeoutMs;
    const turn = async (): Promise<T> => {
      for (let tries = 0; tries < MOST_TRIES && clock.now().getTime() <= end; tries++) {
        const changed = await change();
        if (changed !== null) return changed;
      }
      throw moved(place);
    };
    const mine = last.then(turn);
    last = mine.catch(() => undefined);
    return mine;
  };
}

function nullWhereMoved(error: unknown): null {
  if (error instanceof Retryable && error.retryAfterMs === 0) return null;
  throw error;
}

function moved(place: string): Retryable {
  return new Retryable(`The list was changed meanwhile: ${place}.`, "It is read again by itself.", {
    retryAfterMs: 0,
  });
}
