import { parseArgs } from "node:util";

/** What one call of kubectl sends. */
export interface KubectlCall {
  readonly method: "GET" | "POST" | "DELETE" | "PATCH";
  readonly path: string;
  readonly type: string;
  readonly file: string | null;
}

const METHODS = { get: "GET", create: "POST", delete: "DELETE" } as const;

/** The request behind its words. Raises an error on words that the stand-in does not know. */
export function kubectlCall(words: readonly string[]): KubectlCall {
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      raw: { type: "string" },
      filename: { type: "string" },
      namespace: { type: "string" },
      type: { type: "string" },
      "patch-file": { type: "string" },
      "field-manager": { type: "string" },
      output: { type: "string" },
      "show-managed-fields": { type: "string" },
      "request-timeout": { type: "string" },
    },
  });
  const [verb = "", resource = "", name = ""] = positionals;
  if (verb === "patch") {
    const [plural = "", version = "", ...group] = resource.split(".");
    const root = group.join(".") === "" ? `/api/${version}` : `/apis/${group.join(".")}/${version}`;
    const within = values.namespace === undefined ? "" : `/namespaces/${values.namespace}`;
    const manager = encodeURIComponent(values["field-manager"] ?? "kubectl-patch");
    return {
      method: "PATCH",
      path: `${root}${within}/${plural}/${encodeURIComponent(name)}?fieldManager=${manager}`,
      type:
        values.type === "strategic" || values.type === "merge"
          ? `application/${values.type === "merge" ? "" : "strategic-"}merge-patch+json`
          : "application/json-patch+json",
      file: values["patch-file"] ?? null,
    };
  }
  if (!(verb === "get" || verb === "create" || verb === "delete") || values.raw === undefined)
    throw new Error(`The stand-in of kubectl does not know: ${words.join(" ")}`);
  return { method: METHODS[verb], path: values.raw, type: "application/json", file: values.filename ?? null };
}
