import { isObject, type Json, type JsonObject, listAt, objectAt, stringAt } from "./json-value.ts";
import { badRequest } from "./status-error.ts";

/** One condition on a set of labels, as both forms of a selector (text and object) come down to. */
export interface Requirement {
  readonly key: string;
  readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist";
  readonly values: readonly string[];
}

const label = "[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?";
const key = `(?:[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?/)?${label}`;
const equality = new RegExp(`^(${key})\\s*(==|=|!=)\\s*((?:${label})?)$`);
const membership = new RegExp(`^(${key})\\s+(in|notin)\\s*\\(([^()]*)\\)$`);
const existence = new RegExp(`^(!?)\\s*(${key})$`);

/**
 * Reads the text form: `a=b`, `a==b`, `a!=b`, `a in (x,y)`, `a notin (x)`, `a`, `!a`, joined by commas.
 * Raises 400 for anything else, as the server does.
 */
export function parseLabelSelector(text: string): Requirement[] {
  if (text.trim() === "") return [];
  // A comma inside parentheses separates values, not requirements.
  return text.split(/,(?![^()]*\))/).map((part) => parseRequirement(part.trim()));
}

function parseRequirement(text: string): Requirement {
  const equal = equality.exec(text);
  if (equal) {
    const [, name = "", operator, value = ""] = equal;
    return { key: name, operator: operator === "!=" ? "NotIn" : "In", values: [value] };
  }
  const member = membership.exec(text);
  if (member) {
    const [, name = "", operator, values = ""] = member;
    return {
      key: name,
      operator: operator === "in" ? "In" : "NotIn",
      values: values.split(",").map((value) => value.trim()),
    };
  }
  const exists = existence.exec(text);
  if (exists) {
    const [, negated, name = ""] = exists;
    return { key: name, operator: negated === "!" ? "DoesNotExist" : "Exists", values: [] };
  }
  throw badRequest(`unable to parse requirement: found '${text}', expected: label key, operator and values`);
}

/** Reads a LabelSelector object (matchLabels, matchExpressions); a bare map of labels is not one. */
export function requirementsOf(selector: JsonObject): Requirement[] {
  const labels = mapRequirements(objectAt(selector, "matchLabels"));
  const expressions = listAt(selector, "matchExpressions").map((expression): Requirement => {
    const operator = stringAt(expression, "operator");
    const values = listAt(expression, "values").map(String);
    if (operator !== "NotIn" && operator !== "Exists" && operator !== "DoesNotExist") {
      return { key: stringAt(expression, "key"), operator: "In", values };
    }
    return { key: stringAt(expression, "key"), operator, values };
  });
  return [...labels, ...expressions];
}

/** Reads the old form of a selector: a map whose every pair must be there. */
export function mapRequirements(map: JsonObject): Requirement[] {
  return Object.entries(map).map(([name, value]) => ({ key: name, operator: "In", values: [String(value)] }));
}

/** True where the labels meet every requirement. `!=` and `notin` are met by an absent label, as on the server. */
export function matchesLabels(requirements: readonly Requirement[], labels: Json): boolean {
  const map = isObject(labels) ? labels : {};
  return requirements.every(({ key: name, operator, values }) => {
    const value = map[name];
    if (operator === "Exists") return value !== undefined;
    if (operator === "DoesNotExist") return value === undefined;
    const among = value !== undefined && values.includes(String(value));
    return operator === "In" ? among : !among;
  });
}
