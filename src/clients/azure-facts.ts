import { z } from "zod";
import { armSegments } from "../model/arm-id.ts";
import type { AzurePort } from "../model/azure-port.ts";
import type { Clock } from "../model/clock.ts";
import { Permanent, Retryable } from "../model/errors.ts";
import type { Arm } from "./arm/index.ts";

const TAGS_VERSION = "2023-07-01";
const GRAPH_VERSION = "2022-10-01";
/** Who moves a subscription waits a minute; tags are read anew each time, since owners opt out by them. */
const GROUPS_MS = 60_000;
const MOST_SUBSCRIPTIONS = 1_000;
const GUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const tagsSchema = z.object({
  properties: z.object({ tags: z.record(z.string(), z.string()).nullish() }),
});
const chainSchema = z.object({
  data: z.array(z.object({ chain: z.array(z.object({ name: z.string() })) })),
});

/** What the scope has to know of Azure, asked of Resource Manager and Resource Graph. */
export function createAzureFacts(arm: Arm, clock: Clock): AzurePort {
  const known = new Map<string, { readonly at: number; readonly groups: readonly string[] }>();
  return {
    async tags(resourceId) {
      const [own, ...around] = await Promise.all(
        [resourceId, ...containersOf(resourceId)].map((id) => tagsOf(arm, id)),
      );
      if (own === undefined || own === null) return null;
      return around.reduce<Readonly<Record<string, string>>>((tags, wider) => withWider(tags, wider), own);
    },
    async managementGroups(subscriptionId) {
      // It enters the text of a query, and may come from an alert.
      if (!GUID.test(subscriptionId)) {
        throw new Permanent(
          "What should be a subscription is none.",
          "Look at the signal of this remediation: its resource id is malformed, or was forged.",
        );
      }
      const id = subscriptionId.toLowerCase();
      const now = clock.now().getTime();
      const before = known.get(id);
      if (before !== undefined && now >= before.at && now - before.at < GROUPS_MS) return before.groups;
      const groups = await groupsAbove(arm, id);
      if (known.size >= MOST_SUBSCRIPTIONS) known.clear();
      known.set(id, { at: now, groups });
      return groups;
    },
  };
}

/** The resource group and the subscription around a resource, nearest first. */
function containersOf(resourceId: string): string[] {
  const segments = resourceId.split("/").slice(1);
  const [, subscription, , group] = segments;
  const isGrouped = armSegments(resourceId)[2] === "resourcegroups" && segments.length > 4;
  return [
    ...(isGrouped ? [`/subscriptions/${subscription}/resourceGroups/${group}`] : []),
    ...(segments.length > 2 ? [`/subscriptions/${subscription}`] : []),
  ];
}

async function tagsOf(arm: Arm, id: string): Promise<Readonly<Record<string, string>> | null> {
  const answer = await arm.get(
    `${id.replace(/\/+$/, "")}/providers/Microsoft.Resources/tags/default`,
    TAGS_VERSION,
  );
  if (answer === null) return null;
  const parsed = tagsSchema.safeParse(answer);
  if (!parsed.success) throw strange("tags");
  return parsed.data.properties.tags ?? {};
}

/** Names of tags are compared without case. */
function withWider(
  own: Readonly<Record<string, string>>,
  wider: Readonly<Record<string, string>> | null,
): Readonly<Record<string, string>> {
  const names = new Set(Object.keys(own).map((name) => name.toLowerCase()));
  const added = Object.entries(wider ?? {}).filter(([name]) => !names.has(name.toLowerCase()));
  return Object.fromEntries([...Object.entries(own), ...added]);
}

async function groupsAbove(arm: Arm, subscriptionId: string): Promise<readonly string[]> {
  const query = [
    "resourcecontainers",
    "where type =~ 'microsoft.resources/subscriptions'",
    `where subscriptionId =~ '${subscriptionId}'`,
    "project chain = properties.managementGroupAncestorsChain",
  ].join(" | ");
  const answer = await arm.post("/providers/Microsoft.ResourceGraph", "resources", GRAPH_VERSION, {
    subscriptions: [subscriptionId],
    query,
    options: { resultFormat: "objectArray", $top: 1 },
  });
  const parsed = chainSchema.safeParse(answer);
  if (!parsed.success) throw strange("management groups");
  const [row] = parsed.data.data;
  // No row means that it may not be seen, never that there is no group above it: a deny list must not fail open.
  if (row === undefined) {
    throw new Permanent(
      `Azure does not show the management groups above subscription ${subscriptionId}.`,
      "Grant the app's identity Reader on the subscription, or leave managementGroup out of the scopes.",
    );
  }
  return row.chain.map(({ name }) => name.toLowerCase());
}

function strange(what: string): Retryable {
  return new Retryable(
    `Azure's answer about ${what} is not what it should be.`,
    "It is asked again by itself.",
    {
      retryAfterMs: 10_000,
    },
  );
}
