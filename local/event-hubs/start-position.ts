/** Where a reader starts: the events after (or from) one mark; `@latest` is the end of the partition. */
export interface StartPosition {
  mark: "offset" | "sequence-number" | "enqueued-time";
  inclusive: boolean;
  value: number | "@latest";
}

const selectorFilter = "apache.org:selector-filter:string";
const expression =
  /^\s*amqp\.annotation\.x-opt-(offset|sequence-number|enqueued-time)\s*(>=?)\s*'?(@latest|-?\d+)'?\s*$/;

/**
 * Reads the selector filter of a link's source. A link without one starts at the beginning, as the service does.
 * Undefined for an expression that is none of the forms the service documents.
 */
export function startPosition(filter: Record<string, unknown> | null | undefined): StartPosition | undefined {
  const text = filterText(filter?.[selectorFilter]);
  if (text === undefined) return { mark: "offset", inclusive: false, value: -1 };
  const [, mark, comparison, value] = expression.exec(text) ?? [];
  if (mark !== "offset" && mark !== "sequence-number" && mark !== "enqueued-time") {
    return undefined;
  }
  return { mark, inclusive: comparison === ">=", value: value === "@latest" ? value : Number(value) };
}

/** rhea leaves the described string of the filter wrapped in an object with a `value`. */
function filterText(filter: unknown): string | undefined {
  if (typeof filter === "string") return filter;
  if (typeof filter !== "object" || filter === null || !("value" in filter)) return undefined;
  return typeof filter.value === "string" ? filter.value : undefined;
}
