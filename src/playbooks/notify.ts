import { z } from "zod";
import { playbook } from "../model/playbook.ts";

const impact = "Nothing changes; people are told.";

/** Changes nothing: the messages of its record to the channels of the rule are all that it does, and the engine sends them. */
export const notify = playbook({
  name: "notify",
  title: "Tell people",
  kind: "notification",
  target: "alert",
  parameters: z.strictObject({}),
  permissions: { kubernetes: [], arm: [] },
  impact,
  highImpact: false,
  reversible: false,
  destroysEvidence: false,
  async plan() {
    return { outcome: "change", draft: { identity: "", steps: [], impact, limits: [], data: null } };
  },
  async apply() {
    // Nothing to change: the record itself is the effect.
  },
  async verify() {
    return { verdict: "holds", proof: "proved" };
  },
  async revert() {
    return { outcome: "restored" };
  },
});
