import { z } from "zod";
import type { AdmissionList } from "../../model/admission-list.ts";
import {
  BLOCK_LIST,
  HOLD_LIST,
  INCIDENT_LABEL,
  ownerOfEntry,
  SESSION_LIST,
} from "../../model/incident-mark.ts";
import type { KubernetesReader } from "../../model/kubernetes-port.ts";
import { ALWAYS_LISTED, LISTED_WHERE_CHANGED, type MarkedKind } from "../../model/marked-kinds.ts";
import { ownerOfPodRule, POD_RULE_LISTS } from "../../model/pod-rules.ts";
import { readAdmissionList } from "./admission-lists.ts";
import { isForbidden, isNotServed, StrangeAnswer } from "./classify-error.ts";
import { readConfigMapList } from "./config-map-lists.ts";
import type { Connection } from "./connection.ts";
import { RAW_LIST_LIMIT, rawItems } from "./raw-object.ts";

/** Ten thousand objects of a kind: more than all budgets together let us mark. */
const MOST_PAGES = 20;

const itemSchema = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.string().optional(),
    labels: z.record(z.string(), z.string()),
  }),
});

const RULES: ReadonlySet<string> = new Set(Object.values(POD_RULE_LISTS));
const LISTS = [BLOCK_LIST, HOLD_LIST, SESSION_LIST, ...RULES];

type Marked = Awaited<ReturnType<KubernetesReader["marked"]>>;

/** See `marked` of the port. */
export async function readMarked(connection: Connection): Promise<Marked> {
  const found = await Promise.all([
    ...ALWAYS_LISTED.map((kind) => markedOf(connection, kind, () => false)),
    // Where the role may not list them no playbook that changes them is enabled.
    ...LISTED_WHERE_CHANGED.map((kind) => markedOf(connection, kind, isNone)),
    ...entries(connection),
  ]);
  return found.flat();
}

/** Is there none because the cluster does not serve the kind, or because we may not read what we may not write? */
function isNone(error: unknown): boolean {
  return isNotServed(error) || isForbidden(error);
}

/** The objects of a kind in the whole cluster that bear that label of ours; none where an error says that there can be none. */
async function markedOf(
  { call }: Connection,
  { kind, title, label = INCIDENT_LABEL, ...of }: MarkedKind,
  areNone: (error: unknown) => boolean,
): Promise<Marked> {
  return call({ verb: "list", ...of }, async ({ raw }) => {
    const marked: Marked[number][] = [];
    let next = "";
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const query = { labelSelector: label, limit: String(RAW_LIST_LIMIT) };
      const got = await rawItems(raw, of, `${kind}List`, {
        ...query,
        ...(next === "" ? {} : { continue: next }),
      }).catch((error: unknown) => {
        if (areNone(error)) return { items: [], next: "" };
        throw error;
      });
      for (const item of got.items) {
        const { data } = itemSchema.safeParse(item);
        const remediationId = data?.metadata.labels[label];
        if (data === undefined || remediationId === undefined)
          throw new StrangeAnswer("The answer holds an object without our label.");
        const { namespace, name } = data.metadata;
        const object = namespace === undefined ? `${title} ${name}` : `${title} ${namespace}/${name}`;
        marked.push({ object, remediationId });
      }
      next = got.next;
      if (next === "") break;
    }
    return marked;
  });
}

/** The entries of our own lists that a remediation owns. Who may not read a list writes nothing into it either. */
function entries(connection: Connection): readonly Promise<Marked>[] {
  const owned = async (name: string, reading: Promise<AdmissionList | null>): Promise<Marked> => {
    const ownerOf = RULES.has(name) ? ownerOfPodRule : ownerOfEntry;
    return Object.entries((await reading)?.entries ?? {}).flatMap(([key, value]) => {
      const remediationId = ownerOf(value);
      return remediationId === null ? [] : [{ object: `entry ${key} of ${name}`, remediationId }];
    });
  };
  return [
    ...LISTS.map((name) => owned(name, readAdmissionList(connection, name, isNone))),
    // As an earlier version had it.
    owned(BLOCK_LIST, readConfigMapList(connection, BLOCK_LIST, isForbidden)),
  ];
}
