import { highestMode } from "../model/mode-at.ts";
import type { Condition } from "./condition.ts";
import type { Configuration } from "./configuration.ts";

/** Does any rule ask for labels of the target? Only then is it worth reading them before deciding. */
export function asksForLabels({ rules }: Configuration): boolean {
  return rules.some((rule) => highestMode(rule) !== "off" && namesLabels(rule.condition));
}

/** Does a condition ask for them? */
export function namesLabels(condition: Condition): boolean {
  switch (condition.op) {
    case "clause":
      return condition.name === "labels";
    case "not":
      return namesLabels(condition.of);
    default:
      return condition.of.some(namesLabels);
  }
}
