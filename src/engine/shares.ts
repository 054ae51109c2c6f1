import type { Pod } from "../model/kubernetes-objects.ts";
import { type KubernetesReader, selects } from "../model/kubernetes-port.ts";
import type { State } from "../model/remediation.ts";
import type { Target } from "../model/target.ts";
import { targetHash } from "../store/row-keys.ts";
import { NewerSchema, type TargetRow } from "../store/target-row.ts";
import { type About, MOST_OF_SHARE, shareKey, type Use } from "./budget-rows.ts";
import type { Wish } from "./draw-budget.ts";
import type { Engine } from "./engine.ts";
import { readTarget } from "./held-target.ts";
import { inParallel } from "./in-parallel.ts";
import { paceOf } from "./pace.ts";
import { topOwner } from "./resolve.ts";
import { within } from "./within.ts";

type InCluster = Extract<Target, { kind: "pod" | "workload" }>;
type Workload = Pick<Extract<Target, { kind: "workload" }>, "name"> & { readonly kind: string };

/** The pods of a namespace that count, and those of one workload in it. */
interface Counted {
  readonly live: readonly Pod[];
  readonly whole: boolean;
  readonly workload: Workload | null;
  readonly ofWorkload: readonly Pod[];
}

const HOLDING: readonly State[] = ["applying", "verifying", "in-force", "reverting"];
/** Between taking and claim, and between two looks under a lease, the table does not show yet what is held. */
const GRACE_LEASES = 2;
/** What has no row has not been begun; in a slow cluster the row is there before anything is taken. */
const NOWHERE: Target = { kind: "alert", id: "" };
/** Old uses that one look goes through. */
const LOOKED_AT = 100;
const LANES = 16;

/**
 * What a target takes of the shares held at a time without a person. A pod: one of its workload's and one of its
 * namespace's pods that have not ended and are not being deleted. A workload: all its pods within the namespace. One
 * always goes, where nothing else is held; what a person approved is not counted. Other targets have no share: whole
 * namespaces, nodes, images and clusters are bounded by the hour alone. Raises what reading the cluster raises.
 */
export async function sharesOf(engine: Engine, target: Target): Promise<readonly Wish[]> {
  const { shareOfWorkload, shareOfNamespace } = engine.configuration.budgets;
  if (target.kind !== "pod" && target.kind !== "workload") return [];
  if (shareOfWorkload >= 1 && shareOfNamespace >= 1) return [];
  const reader = engine.ports.read.kubernetes(target.cluster);
  const counted = await within(
    paceOf(engine, target).planMs,
    "counting the pods of the namespace",
    count(reader, target),
  );
  const { live, workload, ofWorkload } = counted;
  const { namespace } = target;
  const weight = target.kind === "pod" ? 1 : Math.max(1, ofWorkload.length);
  const wish = (about: About, what: string, pods: number, share: number): Wish[] => {
    if (share >= 1) return [];
    const percent = Math.round(share * 100);
    const over = `more than ${percent} % of the ${pods} pods of ${what} would be held at a time without a person`;
    return [
      {
        key: shareKey(about),
        about,
        use: { id: targetHash(target), weight, at: engine.clock.now().getTime() },
        most: Math.min(Math.floor(pods * share), MOST_OF_SHARE),
        share: { freed: (uses) => freedOf(engine, target, counted, uses) },
        over,
        tells: `M${over.slice(1)}: what comes on top awaits one. reflex list --state awaiting-approval`,
      },
    ];
  };
  const place = `${target.cluster}|${namespace}`.toLowerCase();
  const named = workload === null ? "" : `${workload.kind} ${namespace}/${workload.name}`;
  return [
    ...(workload === null || target.kind === "workload"
      ? []
      : wish(
          { kind: "workload", name: `${place}|${workload.kind}|${workload.name}`.toLowerCase() },
          named,
          ofWorkload.length,
          shareOfWorkload,
        )),
    ...wish({ kind: "namespace", name: place }, `namespace ${namespace}`, live.length, shareOfNamespace),
  ];
}

async function count(reader: KubernetesReader, target: InCluster): Promise<Counted> {
  const { pods, whole } = await reader.pods(target.namespace);
  const live = pods.filter(
    ({ phase, deleting }) => !(deleting || phase === "Succeeded" || phase === "Failed"),
  );
  const at = { live, whole };
  if (target.kind === "workload") {
    const { workloadKind: kind, namespace, name } = target;
    const selector = (await reader.workload(kind, namespace, name))?.selector ?? null;
    const ofWorkload = selector === null ? [] : live.filter(({ labels }) => selects(selector, labels));
    return { ...at, workload: { kind, name }, ofWorkload };
  }
  const pod = pods.find(({ name }) => name === target.name);
  const controller = pod?.controller ?? null;
  if (controller === null) return { ...at, workload: null, ofWorkload: [] };
  const siblings = live.filter((other) => other.controller?.uid === controller.uid);
  const top = await topOwner(controller, target.namespace, reader);
  if (typeof top === "string") return { ...at, workload: controller, ofWorkload: siblings };
  const { selector } = top;
  // A Deployment's pods belong to several ReplicaSets; whoever only wears its labels has no controller of that kind.
  const ofWorkload =
    selector === null
      ? siblings
      : live.filter((other) => other.controller?.kind === controller.kind && selects(selector, other.labels));
  return { ...at, workload: top, ofWorkload };
}

/** Which uses hold nothing any more: their pod has gone, or no open remediation without a person's word holds it. */
async function freedOf(
  engine: Engine,
  { cluster, namespace }: InCluster,
  { live, whole }: Counted,
  uses: readonly Use[],
): Promise<ReadonlySet<string>> {
  const there = new Set(live.map(({ name }) => targetHash({ kind: "pod", cluster, namespace, name })));
  return releasedUses(engine, uses, ({ target }, id) => whole && target.kind === "pod" && !there.has(id));
}

/**
 * Which uses hold nothing any more, by the target rows; of many the 100 oldest are looked at. What was noted a moment ago
 * counts as held until its claim is seen. Raises `StoreUnreachable`.
 */
export async function releasedUses(
  engine: Engine,
  uses: readonly Use[],
  gone: (row: TargetRow, hash: string) => boolean = () => false,
): Promise<ReadonlySet<string>> {
  const now = engine.clock.now().getTime();
  const oldest = uses.toSorted((a, b) => a.at - b.at).slice(0, LOOKED_AT);
  const released = new Set<string>();
  await inParallel(LANES, oldest, async ({ id, at }) => {
    const row = await rowOf(engine, id);
    if (row === "newer") return;
    const entries = Object.values(row?.entries ?? {});
    const holds = entries.some(({ state }) => HOLDING.includes(state));
    const { leaseMs } = paceOf(engine, row?.target ?? NOWHERE);
    const isOld = now - at > GRACE_LEASES * leaseMs;
    const hasBegun = entries.some(({ episodes }) =>
      episodes.some((begun) => new Date(begun).getTime() >= at),
    );
    if (holds ? isOld && row !== null && gone(row, id) : isOld || hasBegun) released.add(id);
  });
  return released;
}

/** What a newer version wrote is taken to hold. */
async function rowOf(engine: Engine, hash: string): Promise<TargetRow | null | "newer"> {
  try {
    return (await readTarget(engine.table, hash))?.row ?? null;
  } catch (error) {
    if (!(error instanceof NewerSchema)) throw error;
    return "newer";
  }
}
