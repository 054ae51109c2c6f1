import type { HttpResponseInit } from "@azure/functions";
import { CSV_HEADINGS, csvOf, jsonLinesOf } from "../engine/audit-csv.ts";
import { auditExport, type ExportPage, isExportCursor } from "../engine/audit-export.ts";
import { auditVerify, isVerifyCursor } from "../engine/audit-verify.ts";
import { may } from "./access.ts";
import { type Api, type Call, json, registerHttp } from "./http-function.ts";
import { BadRequest } from "./problem.ts";
import { afterOf, limitOf, onlyKnown, timeOf } from "./query-words.ts";
import { reachesAll } from "./reaches-all.ts";

const FORMATS = ["json", "jsonl", "csv"];

/** `GET /api/audit/verify` verifies the histories and `GET /api/audit/export` hands them out, both page by page. They change nothing. */
export function registerAudit(api: Api): void {
  registerHttp("audit-verify", api, async ({ engine, request }) => {
    onlyKnown(request, ["after", "root"]);
    const root = request.query.get("root");
    if (root !== null && !/^[0-9a-f]{64}$/.test(root))
      throw new BadRequest("root: give the hash of a daily root, 64 hexadecimal digits, as the log has it.");
    return json(200, await auditVerify(engine, { after: afterOf(request, isVerifyCursor), root }));
  });
  registerHttp("audit-export", api, exported);
}

async function exported(call: Call): Promise<HttpResponseInit> {
  const { engine, request } = call;
  onlyKnown(request, ["format", "from", "to", "after", "limit"]);
  const format = request.query.get("format") ?? "json";
  if (!FORMATS.includes(format)) throw new BadRequest(`format: use one of ${FORMATS.join(", ")}.`);
  const isUnlimited = reachesAll(call, "Reflex.Admin");
  const after = afterOf(request, isExportCursor);
  const page = await auditExport(engine, {
    from: timeOf(request, "from"),
    to: timeOf(request, "to"),
    after,
    limit: limitOf(request, 500, 1_000),
    sees: (target) => isUnlimited || (target !== null && may(call, "Reflex.Admin", target)),
    seesControl: isUnlimited,
  });
  return format === "json" ? json(200, page) : asText(request.url, format, page, after === null);
}

/** As text; the address of the next page is in the header `link` (RFC 8288). */
function asText(
  address: string,
  format: string,
  { rows, next }: ExportPage,
  isFirst: boolean,
): HttpResponseInit {
  const csv = format === "csv";
  const body = csv ? `${isFirst ? CSV_HEADINGS : ""}${csvOf(rows)}` : jsonLinesOf(rows);
  return {
    status: 200,
    body,
    headers: {
      "cache-control": "no-store",
      "content-type": csv ? "text/csv; charset=utf-8" : "application/x-ndjson",
      "x-content-type-options": "nosniff",
      ...(csv ? { "content-disposition": 'attachment; filename="audit.csv"' } : {}),
      ...(next === null ? {} : { link: `<${pageAt(address, next)}>; rel="next"` }),
    },
  };
}

/** The same address with another place to begin, and without a key that may stand in it. */
function pageAt(address: string, next: string): string {
  const { pathname, searchParams } = new URL(address);
  searchParams.delete("code");
  searchParams.set("after", next);
  return `${pathname}?${searchParams.toString()}`;
}
