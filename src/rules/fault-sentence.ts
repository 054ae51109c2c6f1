import { z } from "zod";
import { nearest } from "./nearest.ts";
import { valueAt } from "./plain-data.ts";

/** Raised as an issue of several unknown keys, one line for each. */
const LINE = "\n";
const LONGEST_LIST = 15;

/** Sentence about a word that is none of the known ones: what is meant, or what there is. `what` is the word's kind with its article. */
export function unknownWord(word: unknown, what: string, known: readonly string[]): string {
  const meant = typeof word === "string" ? nearest(word, known) : null;
  const written = `${shown(word)} is not ${what}`;
  if (meant !== null) {
    return `${written}; did you mean "${meant}"?`;
  }
  if (known.length === 0) {
    return `${written}; none is defined in this file`;
  }
  return known.length > LONGEST_LIST ? written : `${written}; write one of ${known.join(", ")}`;
}

/** Our words for zod's issues, given to each parse as its `error`; undefined leaves zod's own. Several unknown keys give one line each. */
export function faultSentence(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "unrecognized_keys":
      return unknownKeys(issue.keys, issue.inst);
    case "invalid_type":
      return (
        absent(issue.input) ??
        `must be ${article(issue.expected)}, not ${shown(issue.input)}${quoteAdvice(issue)}`
      );
    case "invalid_value":
      return absent(issue.input) ?? unknownWord(issue.input, "known here", issue.values.map(String));
    case "invalid_union":
      return discriminator(issue);
    case "too_small":
      return issue.origin === "number"
        ? `must be at least ${issue.minimum}`
        : "must not be empty; add a value or remove the line";
    case "too_big":
      return tooBig(issue);
    default:
      return undefined;
  }
}

/** The sentences of an issue with the key that each is about: one per unknown key, else one about the value. */
export function faultsOf(issue: z.core.$ZodIssue): { readonly key?: string; readonly message: string }[] {
  if (issue.code === "custom") {
    // Faults of a playbook's own parameters come through a second parse, which says here what they are about.
    const key: unknown = issue.params?.["key"];
    return [typeof key === "string" ? { key, message: issue.message } : { message: issue.message }];
  }
  if (issue.code !== "unrecognized_keys") {
    return [{ message: issue.message }];
  }
  const lines = issue.message.split(LINE);
  return issue.keys.map((key, index) => ({ key, message: lines[index] ?? issue.message }));
}

function unknownKeys(keys: readonly string[], schema: unknown): string {
  const known = schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
  return keys.map((key) => unknownKey(key, known)).join(LINE);
}

function unknownKey(key: string, known: readonly string[]): string {
  const meant = nearest(key, known);
  if (meant !== null) {
    return `unknown key "${key}"; did you mean "${meant}"?`;
  }
  return known.length === 0
    ? `unknown key "${key}"; nothing may stand here, remove it`
    : `unknown key "${key}"; known here: ${known.join(", ")}`;
}

function tooBig({ origin, maximum }: z.core.$ZodRawIssue<z.core.$ZodIssueTooBig>): string {
  if (origin === "array") return `must not hold more than ${maximum} entries; remove what is not needed`;
  return origin === "string" ? `must not be longer than ${maximum}` : `must be at most ${maximum}`;
}

function absent(input: unknown): string | null {
  if (input === undefined) {
    return "is missing; add it";
  }
  return input === null ? "is empty; give it a value or remove the line" : null;
}

function discriminator(issue: z.core.$ZodRawIssue<z.core.$ZodIssueInvalidUnion>): string | undefined {
  const { input } = issue;
  const name = "discriminator" in issue ? issue.discriminator : undefined;
  if (typeof name !== "string") {
    return undefined;
  }
  const listed: unknown = "options" in issue ? issue.options : undefined;
  const options = Array.isArray(listed) ? listed.map(String) : [];
  const word = valueAt(input, name);
  return word === undefined || word === null
    ? `is missing; write one of ${options.join(", ")}`
    : unknownWord(word, "known here", options);
}

function article(expected: string): string {
  const words: Readonly<Record<string, string>> = {
    string: "a text",
    object: "a group of keys",
    record: "a group of keys",
    array: "a list",
    boolean: "true or false",
    number: "a number",
    int: "a whole number",
  };
  return words[expected] ?? expected;
}

function quoteAdvice(issue: z.core.$ZodRawIssue<z.core.$ZodIssueInvalidType>): string {
  return issue.expected === "string" && typeof issue.input !== "object" ? "; put it in quotes" : "";
}

function shown(value: unknown): string {
  if (Array.isArray(value)) {
    return "a list";
  }
  return typeof value === "object" && value !== null ? "a group of keys" : JSON.stringify(value);
}
