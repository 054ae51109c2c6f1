import { z } from "zod";
import type { EvidenceSource, RawObject } from "../model/evidence-source.ts";
import { type Owner, WORKLOAD_KINDS } from "../model/kubernetes-objects.ts";

const MOST_OWNERS = 8;

const ownedSchema = z.object({
  metadata: z.object({
    uid: z.string(),
    ownerReferences: z
      .array(
        z.object({
          apiVersion: z.string(),
          kind: z.string(),
          name: z.string(),
          uid: z.string(),
          controller: z.boolean().nullish(),
        }),
      )
      .nullish(),
  }),
});

/** The controllers above an object, nearest first, with the uids by which they are known; `missing`: why there is no more of them. */
export interface OwnerChain {
  readonly owners: readonly RawObject[];
  readonly uids: readonly string[];
  readonly missing: string | null;
}

/** Follows the controllers by uid, so that one made anew under its name is not taken for it (SCL-01). */
export async function ownerChain(
  first: Owner | null,
  namespace: string,
  source: Pick<EvidenceSource, "rawWorkload">,
): Promise<OwnerChain> {
  const owners: RawObject[] = [];
  const uids: string[] = [];
  const ended = (missing: string | null): OwnerChain => ({ owners, uids, missing });
  for (let next = first; next !== null; ) {
    const { kind, name, uid } = next;
    if (uids.includes(uid) || uids.length === MOST_OWNERS) return ended("the owners turn in circles");
    uids.push(uid);
    const known = WORKLOAD_KINDS.find((one) => one === kind);
    if (known === undefined) return ended(`an owner of the kind ${kind}, ${name}, is not read`);
    const owner = await source.rawWorkload(known, namespace, name);
    if ("missing" in owner) return ended(`${kind} ${name}: ${owner.missing}`);
    const { metadata } = ownedSchema.parse(owner.found);
    if (metadata.uid !== uid) return ended(`${kind} ${name} has gone, and another has its name`);
    owners.push(owner.found);
    next = metadata.ownerReferences?.find(({ controller }) => controller === true) ?? null;
  }
  return ended(null);
}
