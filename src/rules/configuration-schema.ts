import { z } from "zod";
import { MODES } from "../model/mode.ts";
import { playbookEntry, SAME_CLUSTER } from "./playbook-entry.ts";
import {
  armId,
  clusterReference,
  duration,
  globText,
  type KnownNames,
  nameAmong,
  notEmpty,
  resourceGroupName,
  subscriptionId,
  textOf,
  textWithout,
} from "./schema-words.ts";
import { whenSchema } from "./when-schema.ts";

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
    to: z.array(mailAddress).min(1),
  }),
]);

const cluster = z.strictObject({
  name: clusterName,
  id: armId,
  connect: z.strictObject({ kubeconfig: z.string().min(1), context: z.string().min(1).optional() }),
});

function scopeEntry(known: KnownNames) {
  return notEmpty(
    z.strictObject({
      subscription: subscriptionId.optional(),
      resourceGroup: resourceGroupName.optional(),
      resource: armId.optional(),
      cluster: clusterReference(known.clusters).optional(),
      namespace: globText.optional(),
      labels: notEmpty(z.record(z.string(), z.string())).optional(),
    }),
  );
}

function rule(known: KnownNames) {
  return z.strictObject({
    name,
    when: whenSchema(known),
    playbooks: z.array(playbookEntry(known)).min(1),
    mode: z.enum(MODES).default("observe"),
    ttl: duration(1000).optional(),
    cooldown: duration(0).default(HOUR_MS),
    maxAge: duration(1000).default(DAY_MS),
    notify: z.array(nameAmong(known.channels, "a channel of this file")).default([]),
    labels: z.record(z.string(), z.string()).default({}),
    releaseWhenResolved: z.boolean().default(false),
  });
}

/** The schema of the whole file; what it answers is normalised: lists, milliseconds, ARM ids, defaults filled in. */
export function configurationSchema(known: KnownNames) {
  const entries = z.array(scopeEntry(known)).default([]);
  return z.strictObject({
    mode: z.enum(MODES).default("observe"),
    scope: z.strictObject({ allow: entries, deny: entries }).prefault({}),
    protected: z.strictObject({ namespaces: z.array(globText).default([]) }).prefault({}),
    clusters: z.array(cluster).default([]),
    channels: z.array(channel).default([]),
    silence: duration(1000).default(DAY_MS),
    retention: duration(1000).default(400 * DAY_MS),
    rules: z.array(rule(known)).default([]),
  });
}

/** A configuration file after parsing. */
export type ConfigurationData = z.output<ReturnType<typeof configurationSchema>>;
