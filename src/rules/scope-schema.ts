import { z } from "zod";
import {
  armId,
  clusterReference,
  globText,
  type KnownNames,
  listOf,
  notEmpty,
  resourceGroupName,
  subscriptionId,
  textOf,
} from "./schema-words.ts";

const MOST_ENTRIES = 500;

/** Azure's own rule for the name (not the display name) of a management group. */
const managementGroup = textOf(
  /^[A-Za-z0-9._()-]{1,90}$/,
  "write the management group's name, which is its id in the portal, not its display name",
);

/** The schema of one entry of a scope: parts that must all match; clusters become ARM ids. */
export function scopeEntry(known: KnownNames) {
  const map = notEmpty(z.record(z.string(), z.string())).optional();
  return notEmpty(
    z.strictObject({
      managementGroup: managementGroup.optional(),
      subscription: subscriptionId.optional(),
      resourceGroup: resourceGroupName.optional(),
      resource: armId.optional(),
      cluster: clusterReference(known.clusters).optional(),
      namespace: globText.optional(),
      labels: map,
      tags: map,
    }),
  );
}

/** The schema of a whole scope. */
export function scopeSchema(known: KnownNames) {
  const entries = listOf(scopeEntry(known), MOST_ENTRIES).default([]);
  return z.strictObject({ allow: entries, deny: entries });
}
