import { z } from "zod";
import { type ClusterNames, clusterIds, mainClusterId } from "../model/main-cluster.ts";
import type { AnyPlaybook } from "../model/playbook.ts";
import { DURATION_ADVICE, parseDuration } from "./duration.ts";
import { unknownWord } from "./fault-sentence.ts";
import { globFault } from "./glob.ts";

/** What of a playbook the configuration is checked against. */
export interface PlaybookDeclaration {
  readonly name: string;
  readonly kind: AnyPlaybook["kind"];
  readonly parameters: z.ZodType;
  readonly target: string;
  readonly reversible: boolean;
}

/** The names that rules may use: playbooks of the product, clusters, channels and rules of the same file. */
export interface KnownNames {
  readonly playbooks: readonly PlaybookDeclaration[];
  readonly clusters: readonly ClusterNames[];
  readonly channels: readonly string[];
  readonly rules: readonly string[];
}

/** The most that a list of words or patterns holds. */
const MOST_WORDS = 1_000;

/** A value, or a list of them of which any will do; always a list after parsing. */
export function oneOrMany<T extends z.ZodType>(item: T) {
  return z.preprocess(
    (value) => (Array.isArray(value) ? value : [value]),
    z.array(item).min(1).max(MOST_WORDS),
  );
}

/** A list of at most so many. */
export function listOf<T extends z.ZodType>(item: T, most: number) {
  return z.array(item).max(most);
}

/** A group that says something: an empty one would match everything, and its opposite nothing; neither is what somebody means. */
export function notEmpty<T extends z.ZodType>(schema: T) {
  return z.preprocess((value, context) => {
    if (typeof value === "object" && value !== null && Object.keys(value).length === 0) {
      context.addIssue({ code: "custom", message: "is empty; name at least one part", input: value });
    }
    return value;
  }, schema);
}

/** A text that satisfies `fault`, which answers a sentence where it does not. */
export function textWithout(fault: (text: string) => string | null) {
  return z.string().superRefine((text, context) => {
    const message = fault(text);
    if (message !== null) {
      context.addIssue({ code: "custom", message });
    }
  });
}

/** A text of one form; `advice` says what to write instead. */
export function textOf(form: RegExp, advice: string) {
  return textWithout((text) =>
    form.test(text) ? null : `${JSON.stringify(text)} cannot stand here; ${advice}`,
  );
}

/** A name pattern, see `globFault`. */
export const globText = textWithout(globFault);

/** Milliseconds, written as `8h` or `1h30m`. `least` is the shortest that makes sense. */
export function duration(least: number) {
  return z.string({ error: durationFault }).transform((text, context) => {
    const ms = parseDuration(text);
    if (ms === null || ms < least) {
      context.issues.push({ code: "custom", input: text, message: durationFault({ input: text }) });
      return z.NEVER;
    }
    return ms;
  });
}

function durationFault({ input }: { readonly input?: unknown }): string {
  return `${JSON.stringify(input ?? null)} is not a usable duration; ${DURATION_ADVICE} (at most 3650d)`;
}

/** A name among those that are known; `what` is its kind with the article. */
export function nameAmong(known: readonly string[], what: string) {
  return textWithout((text) => (known.includes(text) ? null : unknownWord(text, what, known)));
}

/** An ARM id of a resource, as the alerts write it. */
export const armId = textOf(
  /^\/subscriptions\/[^/\s]+\/resourcegroups\/[^/\s]+\/providers\/[^/\s]+(?:\/[^/\s]+\/[^/\s]+)+$/i,
  "write a whole ARM id: /subscriptions/…/resourceGroups/…/providers/…",
);

/** A subscription's id. */
export const subscriptionId = textOf(/^[A-Za-z0-9-]+$/, "write the subscription's id alone");

/** A resource group's name. */
export const resourceGroupName = textOf(
  /^[\p{L}\p{N}._()-]+$/u,
  "write the resource group's name alone, and its subscription as subscription:",
);

/** A cluster by its name in this file or by one of its ARM ids; always the main ARM id after parsing. */
export function clusterReference(known: KnownNames["clusters"]) {
  return z.string().transform((text, context) => {
    const isNamed = text.startsWith("/") || known.some(({ name }) => name === text);
    const id = isNamed ? mainClusterId(known, text) : undefined;
    if (id === undefined || !armId.safeParse(id).success) {
      const names = known.map(({ name }) => name);
      context.issues.push({
        code: "custom",
        input: text,
        message: text.startsWith("/")
          ? `${JSON.stringify(text)} is not a cluster; write a whole ARM id or a name from clusters:`
          : unknownWord(text, "a cluster of this file", names),
      });
      return z.NEVER;
    }
    return id;
  });
}

/** Clusters as alerts may name them: after parsing all ARM ids of each, since an alert bears any of them. */
export function clusterReferences(known: KnownNames["clusters"]) {
  return oneOrMany(clusterReference(known)).transform((named) =>
    named.flatMap((id) => clusterIds(known, id)),
  );
}
