import { globMachine } from "./glob-machine.ts";

const PLAIN = /^[A-Za-z0-9._:/@ -]*$/;
const GROUPS = /\{([^{}]*)\}|\[([^[\]]*)\]|\*+|\?/g;
const LETTERS = /^[A-Za-z0-9._-]+$/;
/** Nobody reads more, and each costs a step for every character of a text. */
const MOST_STARS = 3;
const MOST_CHOICES = 3;
const LONGEST_PATTERN = 256;
/** Longer than any name that Kubernetes, a registry or Defender allows. */
const LONGEST_TEXT = 512;

/** Why the pattern cannot be used, in one sentence; null where it can. Knows `*`, `**`, `?`, `{a,b}` and `[abc]`. */
export function globFault(pattern: string): string | null {
  if (pattern === "") {
    return "an empty pattern matches nothing; write a name or a pattern such as payments-*";
  }
  if (pattern.length > LONGEST_PATTERN) {
    return `a pattern has at most ${LONGEST_PATTERN} characters, this one ${pattern.length}; write a shorter one with *`;
  }
  const groups = [...pattern.matchAll(GROUPS)];
  if (groups.some(([text, choices]) => choices !== undefined && !isChoice(text))) {
    return `the pattern "${pattern}" has braces without a choice; write {a,b}`;
  }
  const letters = groups.flatMap(([, , inside]) => inside ?? []);
  if (letters.some((inside) => !LETTERS.test(inside))) {
    return `the pattern "${pattern}" has brackets that name no letters; write [abc] or [a-z]`;
  }
  if (
    letters.some((inside) => [...inside.matchAll(/(.)-(.)/g)].some(([, from = "", to = ""]) => from > to))
  ) {
    return `the pattern "${pattern}" cannot be read; a range in brackets goes upwards, such as [a-z]`;
  }
  if (!PLAIN.test(pattern.replace(GROUPS, ""))) {
    return `the pattern "${pattern}" cannot be read; besides letters, digits and . _ - : / @ it may hold *, ?, {a,b} and [abc] only`;
  }
  if (groups.filter(([text]) => text.startsWith("*")).length > MOST_STARS) {
    return `the pattern "${pattern}" has more than ${MOST_STARS} stars; use fewer, or a list of patterns`;
  }
  if (groups.filter(([, choices]) => choices !== undefined).length > MOST_CHOICES) {
    return `the pattern "${pattern}" has more than ${MOST_CHOICES} choices; use fewer, or a list of patterns`;
  }
  return null;
}

function isChoice(braces: string): boolean {
  return (
    braces.includes(",") && !/[*?[\]]/.test(braces) && PLAIN.test(braces.slice(1, -1).replaceAll(",", ""))
  );
}

/** A test whether a whole text matches the pattern, in any casing; `*` stays within one `/` segment, `**` does not. A text over 512 characters never matches. */
export function compileGlob(pattern: string): (text: string) => boolean {
  const machine = globMachine(pattern);
  return (text) => text.length <= LONGEST_TEXT && machine.matches(text);
}
