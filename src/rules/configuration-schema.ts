import { z } from "zod";
import { fluxCluster, fluxContainer } from "../model/flux-container.ts";
import { MODES } from "../model/mode.ts";
import { accessSchema } from "./access-schema.ts";
import { breakerSchema, budgetSchema, perHour } from "./budget-schema.ts";
import { connectSchema, writtenWays } from "./connect-schema.ts";
import { exceptionSchema } from "./exception-schema.ts";
import { playbookEntry, SAME_CLUSTER } from "./playbook-entry.ts";
import {
  armId,
  duration,
  globText,
  type KnownNames,
  listOf,
  nameAmong,
  textOf,
  textWithout,
} from "./schema-words.ts";
import { scopeSchema } from "./scope-schema.ts";
import { whenSchema } from "./when-schema.ts";
import { windowSchema } from "./window-schema.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const name = textOf(
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/,
  "write letters, digits, dots, hyphens and underscores, at most 100",
);
const settingName = textOf(
  /^[A-Za-z_][A-Za-z0-9_]*$/,
  "write the name of the app setting that holds the address, never the address itself",
);
const mailAddress = textOf(/^[^@\s]+@[^@\s]+$/, "write a mail address");
const clusterName = textWithout((text) =>
  text === SAME_CLUSTER
    ? `"${SAME_CLUSTER}" means the signal's own cluster; give this cluster another name`
    : null,
).pipe(name);

const channel = z.discriminatedUnion("kind", [
  z.strictObject({ name, kind: z.literal("teams"), urlSetting: settingName }),
  z.strictObject({
    name,
    kind: z.literal("mail"),
    serverSetting: settingName,
    from: mailAddress,
    to: listOf(mailAddress, 100).min(1),
  }),
]);

const AKS = /\/providers\/microsoft\.containerservice\/managedclusters\/[^/]+$/i;

const cluster = z
  .strictObject({
    name: clusterName,
    id: armId,
    // Optional, not empty, where none are given: the hash of a file without them stays what it was.
    aliases: listOf(armId, 10).optional(),
    connect: connectSchema,
  })
  .superRefine(({ id, aliases = [], connect }, context) => {
    const ways = writtenWays(connect);
    const fault = (index: number, way: "aks" | "runCommand" | "flux", message: string): void =>
      context.addIssue({ code: "custom", path: ["connect", index, way], message, input: id });
    const aks = ways.findIndex((one) => one.aks !== undefined || one.runCommand !== undefined);
    if (aks >= 0 && !AKS.test(id)) {
      fault(
        aks,
        ways[aks]?.aks === undefined ? "runCommand" : "aks",
        "needs the id of an AKS cluster (…/Microsoft.ContainerService/managedClusters/…) as id",
      );
    }
    const flux = ways.findIndex((one) => one.flux !== undefined);
    if (flux >= 0 && fluxCluster([id, ...aliases]) === undefined) {
      fault(
        flux,
        "flux",
        "needs the id of AKS or Arc (…/Microsoft.Kubernetes/connectedClusters/…) as id or alias",
      );
    }
  });

/** Two clusters on one list would be blocked and released together, each behind the other's records. */
function eachItsContainer(
  clusters: readonly z.output<typeof cluster>[],
  context: z.core.$RefinementCtx<readonly z.output<typeof cluster>[]>,
): void {
  const seen = new Map<string, string>();
  for (const [index, { name: owner, connect }] of clusters.entries()) {
    for (const [at, { flux }] of writtenWays(connect).entries()) {
      const url = flux === undefined ? null : (fluxContainer(flux.container)?.url ?? null);
      if (url === null) continue;
      const before = seen.get(url);
      seen.set(url, before ?? owner);
      if (before === undefined) continue;
      context.addIssue({
        code: "custom",
        path: [index, "connect", at, "flux", "container"],
        message: `is the container of cluster ${before} already; give each cluster its own`,
        input: clusters,
      });
    }
  }
}

function rule(known: KnownNames) {
  return z.strictObject({
    name,
    when: whenSchema(known),
    playbooks: listOf(playbookEntry(known), 50).min(1),
    mode: z.enum(MODES).default("observe"),
    windows: listOf(windowSchema, 50).default([]),
    scope: scopeSchema(known).prefault({}),
    perHour: perHour.optional(),
    approveWithin: duration(60_000).default(DAY_MS),
    ttl: duration(1000).optional(),
    cooldown: duration(0).default(HOUR_MS),
    maxAge: duration(1000).default(DAY_MS),
    whenOld: z.enum(["record", "notify", "approve"]).default("record"),
    notify: listOf(nameAmong(known.channels, "a channel of this file"), 50).default([]),
    labels: z.record(z.string(), z.string()).default({}),
    releaseWhenResolved: z.boolean().default(false),
  });
}

/** The schema of the whole file; what it answers is normalised: lists, milliseconds, ARM ids, defaults filled in. */
export function configurationSchema(known: KnownNames) {
  const file = z.strictObject({
    mode: z.enum(MODES).default("observe"),
    scope: scopeSchema(known).prefault({}),
    protected: z.strictObject({ namespaces: listOf(globText, 1_000).default([]) }).prefault({}),
    clusters: listOf(cluster, 1_000).superRefine(eachItsContainer).default([]),
    channels: listOf(channel, 100).default([]),
    silence: duration(1000).default(DAY_MS),
    retention: duration(1000).default(400 * DAY_MS),
    auditRetention: duration(1000).optional(),
    budgets: budgetSchema.prefault({}),
    breaker: breakerSchema.prefault({}),
    exceptions: listOf(exceptionSchema(known, name), 1_000).default([]),
    access: listOf(accessSchema(known), 200).default([]),
    rules: listOf(rule(known), 2_000).default([]),
  });
  return file.superRefine(({ retention, auditRetention }, context) => {
    if (auditRetention === undefined || auditRetention >= retention) return;
    const message = "is shorter than retention; a history is kept at least as long as its record";
    context.addIssue({ code: "custom", path: ["auditRetention"], message, input: auditRetention });
  });
}

/** A configuration file after parsing. */
export type ConfigurationData = z.output<ReturnType<typeof configurationSchema>>;
