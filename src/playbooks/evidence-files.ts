import { z } from "zod";
import { canonicalJson } from "../model/canonical-json.ts";
import type { ContainerLog, EvidenceSource, RawList, RawObject, Reading } from "../model/evidence-source.ts";
import type { NetworkPolicy } from "../model/kubernetes-objects.ts";
import { accountBindings } from "./account-bindings.ts";
import { askedLogs, imagesOf, podSchema } from "./evidence-pod.ts";
import { networkVerdict } from "./network-verdict.ts";
import { ownerChain } from "./owner-chain.ts";
import { referencesOf } from "./pod-references.ts";
import { redacted } from "./redacted.ts";
import { residualWords } from "./residual-words.ts";

/** Of each log so many of its last lines. */
export const MOST_LOG_LINES = 5_000;
/** Of each log, and of all logs of a pod together. */
export const MOST_LOG_BYTES = 1024 * 1024;
const MOST_BYTES_OF_LOGS = 8 * MOST_LOG_BYTES;

/** What a plan remembers of its pod, for where that goes before it was read. */
export const subjectSchema = z.object({
  controller: z
    .object({ apiVersion: z.string(), kind: z.string(), name: z.string(), uid: z.string() })
    .nullable(),
  serviceAccount: z.string().nullable(),
  node: z.string().nullable(),
});

/** Of which pod evidence is collected. */
export interface Subject extends z.infer<typeof subjectSchema> {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** What was collected: files to be kept, `cut` where a limit ended one, and what could not be had, with the reason. */
export interface Collected {
  readonly files: readonly { readonly name: string; readonly bytes: Uint8Array; readonly cut: boolean }[];
  readonly missing: readonly { readonly what: string; readonly reason: string }[];
}

/** Reads all that is to be kept of a pod. What cannot be had is said; raises as `EvidenceSource` does. */
export async function collectFiles(of: Subject, source: EvidenceSource): Promise<Collected> {
  const { namespace } = of;
  const pod = await podNow(of, source);
  const seen = "found" in pod ? podSchema.parse(pod.found) : null;
  const account = seen?.spec.serviceAccountName ?? of.serviceAccount ?? "default";
  // Empty where it was given none.
  const node = (seen === null ? of.node : seen.spec.nodeName) || null;
  const [owners, policies, bindings, clusterBindings, serviceAccount, nodeObject, logs] = await Promise.all([
    ownersAndEvents(of, source),
    source.readableNetworkPolicies(namespace),
    source.roleBindings(namespace),
    source.clusterRoleBindings(),
    source.rawServiceAccount(namespace, account),
    node === null ? null : source.rawNode(node),
    seen === null ? { asked: [], left: false } : readLogs(of, source, seen),
  ]);
  const collected = new Files();
  collected.add("pod.json", pod, redacted);
  collected.addAll(owners);
  collected.addList("role-bindings.json", bindings, (items) => accountBindings(items, namespace, account));
  collected.addList("cluster-role-bindings.json", clusterBindings, (items) =>
    accountBindings(items, namespace, account),
  );
  collected.add("service-account.json", serviceAccount, redacted);
  collected.add("network-policies.json", policies, (found) => found.map(policyOf));
  if (nodeObject !== null) collected.add("node.json", nodeObject, redacted);
  if (seen !== null) {
    collected.add("images.json", { found: imagesOf(seen) }, (images) => images);
    collected.add("references.json", { found: referencesOf(seen.spec) }, (references) => references);
    const labels = seen.metadata.labels ?? {};
    collected.add("network-verdict.json", policies, (found) => verdictOf(found, labels));
  }
  for (const { name, log } of logs.asked) collected.addLog(name, log);
  if (logs.left) collected.lack("logs of further containers", "there are more than are read");
  return collected;
}

/** The pod, if it still is the one that was planned. */
async function podNow(
  { namespace, name, uid }: Subject,
  source: EvidenceSource,
): Promise<Reading<RawObject>> {
  const pod = await source.rawPod(namespace, name);
  if (!("found" in pod)) return { missing: "the pod has gone" };
  const isIt = Reflect.get(Object(pod.found["metadata"]), "uid") === uid;
  return isIt ? pod : { missing: "the pod has gone, and another has its name" };
}

async function ownersAndEvents(
  { namespace, uid, controller }: Subject,
  source: EvidenceSource,
): Promise<Files> {
  const files = new Files();
  const chain = await ownerChain(controller, namespace, source);
  files.add("owners.json", { found: chain.owners }, (owners) => owners.map(redacted));
  if (chain.missing !== null) files.lack("owners.json", chain.missing);
  const uids = [uid, ...chain.uids];
  const told = await Promise.all(uids.map((one) => source.events(namespace, one)));
  const missing = told.find((one) => "missing" in one);
  if (missing !== undefined) files.add("events.json", missing, (list) => list);
  else {
    const lists = told.flatMap((one) => ("found" in one ? [one.found] : []));
    const items = lists.flatMap((list) => list.items);
    files.addList(
      "events.json",
      { found: { items, whole: lists.every(({ whole }) => whole) } },
      (all) => all,
    );
  }
  return files;
}

async function readLogs(
  of: Subject,
  source: EvidenceSource,
  pod: z.infer<typeof podSchema>,
): Promise<{ readonly asked: { name: string; log: Reading<ContainerLog> }[]; readonly left: boolean }> {
  const { logs, left } = askedLogs(pod);
  const mostBytes = Math.min(MOST_LOG_BYTES, Math.floor(MOST_BYTES_OF_LOGS / Math.max(1, logs.length)));
  const asked = await Promise.all(
    logs.map(async ({ name, container, previous }) => {
      const question = { container, previous, lastLines: MOST_LOG_LINES, mostBytes };
      return { name, log: await source.log(of.namespace, of.name, question) };
    }),
  );
  // A log is asked for by name alone: what came may be another pod's by now.
  const after = asked.length === 0 ? null : await podNow(of, source);
  if (after === null || "found" in after) return { asked, left };
  return { asked: asked.map(({ name }) => ({ name, log: after })), left };
}

function policyOf({ managers: _managers, ...policy }: NetworkPolicy): object {
  return policy;
}

function verdictOf(policies: readonly NetworkPolicy[], labels: Readonly<Record<string, string>>): object {
  const verdict = networkVerdict(policies, labels);
  return { verdict, words: residualWords(verdict) };
}

/** Gathers files and what is missing. */
class Files implements Collected {
  readonly files: { name: string; bytes: Uint8Array; cut: boolean }[] = [];
  readonly missing: { what: string; reason: string }[] = [];

  add<T>(name: string, reading: Reading<T>, of: (found: T) => unknown): void {
    if ("missing" in reading) this.lack(name, reading.missing);
    else {
      const bytes = new TextEncoder().encode(`${canonicalJson(of(reading.found))}\n`);
      this.files.push({ name, bytes, cut: false });
    }
  }

  addList(
    name: string,
    reading: Reading<RawList>,
    of: (items: readonly RawObject[]) => readonly RawObject[],
  ): void {
    this.add(name, reading, ({ items }) => of(items).map(redacted));
    if ("found" in reading && !reading.found.whole) this.lack(name, "there are more than are read");
  }

  addLog(name: string, log: Reading<ContainerLog>): void {
    if ("missing" in log) this.lack(name, log.missing);
    else this.files.push({ name, ...log.found });
  }

  addAll({ files, missing }: Collected): void {
    this.files.push(...files);
    this.missing.push(...missing);
  }

  lack(what: string, reason: string): void {
    this.missing.push({ what, reason });
  }
}
