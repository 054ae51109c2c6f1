import type { Signal } from "../model/signal.ts";
import { either, type JsonObject, own, textOf } from "./json-value.ts";

/** The blocks in which the exporter says why it sent a record, in the names of all record kinds. */
const BLOCKS = [
  "subAssessmentEventDataEnrichment",
  "assessmentEventDataEnrichment",
  "securityEventDataEnrichment",
];

const ACTIONS = ["Delete", "Insert", "Write"] as const;

/** What the exporter says about a record: why it was sent, and whether it is part of the weekly snapshot. */
export function readEnrichment(record: JsonObject): Pick<Signal, "action" | "isSnapshot"> {
  const blocks = BLOCKS.map((name) => either(record, name));
  const written = new Set(blocks.map((block) => textOf(either(block, "action"))?.toLowerCase()));
  return {
    // Where two blocks disagree a deletion counts: nothing is done about what is gone.
    action: ACTIONS.find((action) => written.has(action.toLowerCase())) ?? null,
    isSnapshot: blocks.some((block) => {
      const flag = own(block, "isSnapshot") ?? own(block, "IsSnapshot");
      return flag === true || textOf(flag)?.toLowerCase() === "true";
    }),
  };
}
