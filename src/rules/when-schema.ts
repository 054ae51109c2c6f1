import { z } from "zod";
import type { OtherKind, Severity, SignalKind } from "../model/signal.ts";
import {
  clusterReferences,
  globText,
  type KnownNames,
  notEmpty,
  oneOrMany,
  resourceGroupName,
  subscriptionId,
  textOf,
} from "./schema-words.ts";

const KINDS = ["alert", "recommendation", "finding", "other"] as const satisfies readonly SignalKind[];
const OTHER_KINDS = [
  "secureScore",
  "secureScoreControl",
  "regulatoryCompliance",
  "attackPath",
  "activityLogAlert",
  "unknown",
] as const satisfies readonly OtherKind[];
const SEVERITIES = [
  "Informational",
  "Low",
  "Medium",
  "High",
  "Critical",
] as const satisfies readonly Severity[];
/** Defender's states of alerts, recommendations and compliance records, and our own word for a record that says its thing is gone. */
const STATUSES = [
  "New",
  "Active",
  "InProgress",
  "Resolved",
  "Dismissed",
  "Healthy",
  "Unhealthy",
  "NotApplicable",
  "Passed",
  "Failed",
  "Skipped",
  "Unsupported",
  "Deleted",
] as const;

function clauseShape(known: KnownNames) {
  const names = oneOrMany(globText).optional();
  return {
    kind: oneOrMany(z.enum(KINDS)).optional(),
    otherKind: oneOrMany(z.enum(OTHER_KINDS)).optional(),
    key: names,
    severity: oneOrMany(z.enum(SEVERITIES)).optional(),
    status: oneOrMany(z.enum(STATUSES)).optional(),
    tactics: oneOrMany(
      textOf(/^[A-Za-z]+$/, "write a tactic in one word such as CredentialAccess"),
    ).optional(),
    resourceType: names,
    subscription: oneOrMany(subscriptionId).optional(),
    resourceGroup: oneOrMany(resourceGroupName).optional(),
    cluster: clusterReferences(known.clusters).optional(),
    namespace: names,
    workload: oneOrMany(notEmpty(z.strictObject({ kind: names, name: names }))).optional(),
    labels: oneOrMany(notEmpty(z.record(z.string(), oneOrMany(globText)))).optional(),
    image: names,
    finding: oneOrMany(
      notEmpty(
        z.strictObject({
          cve: names,
          cvss: z.strictObject({ atLeast: z.number().min(0).max(10) }).optional(),
          fixAvailable: z.boolean().optional(),
        }),
      ),
    ).optional(),
    sample: oneOrMany(z.boolean()).optional(),
    snapshot: oneOrMany(z.boolean()).optional(),
  };
}

/** The clauses of a group without its subgroups. Lists mean any of; text is as written in the file. */
export type Clauses = z.output<z.ZodObject<ReturnType<typeof clauseShape>>>;

/** What a rule matches on: all clauses of a group must hold. `not` means none of its groups. */
export interface When extends Clauses {
  readonly all?: readonly When[] | undefined;
  readonly any?: readonly When[] | undefined;
  readonly not?: readonly When[] | undefined;
}

/** The schema of `when`; each cluster becomes all of its ARM ids. */
export function whenSchema(known: KnownNames): z.ZodType<When> {
  const groups = oneOrMany(z.lazy(() => group)).optional();
  const group: z.ZodType<When> = notEmpty(
    z.strictObject({ ...clauseShape(known), all: groups, any: groups, not: groups }),
  );
  return group;
}
