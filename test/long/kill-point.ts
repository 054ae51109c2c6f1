import { z } from "zod";
import type { SentRequest } from "../scenarios/recording-proxy.ts";

/** A moment of one remediation's life at which the process may die: a transaction, or a write to the outside. */
export interface KillPoint {
  /** How it is told apart: `claimed: none to applying`, `PATCH pods`. */
  readonly name: string;
  /** States that it leaves and enters; none for a write to the outside. */
  readonly states: readonly string[];
}

const auditSchema = z.object({ what: z.string(), before: z.string().nullable(), after: z.string() });
const recordSchema = z.looseObject({ id: z.string(), playbook: z.string() });

/** What a transaction does to records: for each its id, playbook, whole text, and the change as a point. */
export function changesIn({
  rows,
}: SentRequest): { id: string; playbook: string; text: string; point: KillPoint }[] {
  const records = rows.flatMap((row) => {
    if (!row.RowKey.startsWith("r!")) return [];
    const text = String(row["record"]);
    return [{ text, ...recordSchema.parse(JSON.parse(text)) }];
  });
  return records.flatMap(({ id, playbook, text }) =>
    rows.flatMap((row) => {
      if (!row.RowKey.startsWith(`a!${id}!`)) return [];
      const { what, before, after } = auditSchema.parse(JSON.parse(String(row["row"])));
      const point = {
        name: `${what}: ${before ?? "none"} to ${after}`,
        states: before === null ? [after] : [before, after],
      };
      return [{ id, playbook, text, point }];
    }),
  );
}

/** A write to the cluster as a point; null for reads. */
export function outsidePoint({ method, url }: SentRequest): KillPoint | null {
  if (method === "GET") return null;
  const path = url.split("?")[0] ?? "";
  const [, plural, , subresource] =
    /\/(?:api\/v1|apis\/[^/]+\/v[^/]+)(?:\/namespaces\/[^/]+)?\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(
      path,
    ) ?? [];
  return {
    name: `${method} ${plural ?? path}${subresource === undefined ? "" : `/${subresource}`}`,
    states: [],
  };
}

/** A write of evidence as a point: of a file, or of the list that comes last; null for reads. */
export function keepingPoint({ method, url }: SentRequest): KillPoint | null {
  if (method === "GET") return null;
  const isList = (url.split("?")[0] ?? "").endsWith("/manifest.json");
  return { name: `${method} ${isList ? "list of evidence" : "file of evidence"}`, states: [] };
}
