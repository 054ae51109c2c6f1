import { createHash } from "node:crypto";
import { z } from "zod";
import { canonicalJson } from "../model/canonical-json.ts";
import type { EvidenceReader, EvidenceStore, KeptEvidence } from "../model/evidence-port.ts";
import type { Plan } from "../model/plan.ts";
import type { Collected } from "./evidence-files.ts";

const manifestSchema = z.strictObject({
  schema: z.literal(1),
  remediation: z.string(),
  target: z.unknown(),
  uid: z.string(),
  files: z.array(
    z.strictObject({
      name: z.string(),
      bytes: z.number(),
      sha256: z.string(),
      cut: z.literal(true).optional(),
    }),
  ),
  missing: z.array(z.strictObject({ what: z.string(), reason: z.string() })),
});
type Manifest = z.infer<typeof manifestSchema>;

/** The name of the list of what a remediation has kept. */
export function manifestName(remediationId: string): string {
  return `${remediationId}/manifest.json`;
}

/**
 * Keeps the files and then the list of them with their hashes. What an earlier run, or another at the same time, has kept
 * under a name is what counts, and is hashed as it is kept; what it has and we have not is listed too.
 */
export async function keepManifest(store: EvidenceStore, plan: Plan, collected: Collected): Promise<void> {
  const { remediationId, target, identity } = plan;
  const hashes = new Map<string, Manifest["files"][number]>();
  for (const { name, bytes, cut } of collected.files) {
    const answer = await store.put(`${remediationId}/${name}`, bytes);
    if (answer === "kept") hashes.set(name, entryOf(name, bytes, cut));
  }
  const all = await store.list(`${remediationId}/`);
  for (const path of all.filter((one) => one !== manifestName(remediationId))) {
    const name = path.slice(remediationId.length + 1);
    const bytes = hashes.has(name) ? null : await store.read(path);
    // Of the same size it was ended by the same limit.
    const cutNow = collected.files.find((file) => file.name === name && file.cut)?.bytes.byteLength;
    if (bytes !== null) hashes.set(name, entryOf(name, bytes, bytes.byteLength === cutNow));
  }
  const mine = new Set(collected.files.map(({ name }) => name));
  const manifest: Manifest = {
    schema: 1,
    remediation: remediationId,
    target,
    uid: identity,
    files: [...hashes.values()].toSorted((one, other) => (one.name < other.name ? -1 : 1)),
    // What an earlier run could still read is not missing.
    missing: collected.missing.filter(({ what }) => mine.has(what) || !hashes.has(what)),
  };
  await store.put(manifestName(remediationId), new TextEncoder().encode(`${canonicalJson(manifest)}\n`));
}

/**
 * Reads the list back, and every file that it names: `fault` where one is not as it was written, so that nothing counts as
 * kept; else where it is, its hash, and a sentence for each thing that could not be had.
 */
export async function readManifest(
  store: EvidenceReader,
  { remediationId, identity }: Plan,
): Promise<
  { readonly fault: string } | { readonly kept: KeptEvidence; readonly missing: readonly string[] }
> {
  const name = manifestName(remediationId);
  const bytes = await store.read(name);
  if (bytes === null) return { fault: `There is no list of evidence at ${store.place}/${name}.` };
  const manifest = parsed(bytes);
  if (manifest?.remediation !== remediationId || manifest.uid !== identity) {
    return { fault: `What is at ${store.place}/${name} is no list of this evidence.` };
  }
  for (const file of manifest.files) {
    const found = await store.read(`${remediationId}/${file.name}`);
    if (found === null || hashOfBytes(found) !== file.sha256) {
      const what = found === null ? "is not there" : "is not as it was written";
      return { fault: `The evidence ${store.place}/${remediationId}/${file.name} ${what}.` };
    }
  }
  return {
    kept: { place: store.place, manifest: name, sha256: hashOfBytes(bytes) },
    missing: manifest.missing.map(({ what, reason }) => `No ${what}: ${reason}.`),
  };
}

function parsed(bytes: Uint8Array): Manifest | null {
  try {
    return manifestSchema.safeParse(JSON.parse(new TextDecoder().decode(bytes))).data ?? null;
  } catch {
    return null;
  }
}

function entryOf(name: string, bytes: Uint8Array, cut: boolean): Manifest["files"][number] {
  const sha256 = hashOfBytes(bytes);
  return { name, bytes: bytes.byteLength, sha256, ...(cut ? { cut: true } : {}) };
}

function hashOfBytes(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
