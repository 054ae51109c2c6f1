import picomatch from "picomatch";

const OPTIONS = {
  // Names in Azure and Kubernetes mean the same in any casing, and a dot in a key is a plain character.
  nocase: true,
  dot: true,
  // The same on every machine: a backslash is no separator.
  windows: false,
  // Otherwise a range that is no regular expression becomes a pattern that silently matches nothing.
  debug: true,
} as const;

const PLAIN = /^[A-Za-z0-9._:/@ -]*$/;
const GROUPS = /\{([^{}]*)\}|\[([^[\]]*)\]|\*+|\?/g;
const MOST_STARS = 3;
/** Longer than any name that Kubernetes, a registry or Defender allows. */
const LONGEST_TEXT = 512;

/** Why the pattern cannot be used, in one sentence; null where it can. Knows `*`, `**`, `?`, `{a,b}` and `[abc]`. */
export function globFault(pattern: string): string | null {
  if (pattern === "") {
    return "an empty pattern matches nothing; write a name or a pattern such as payments-*";
  }
  const groups = [...pattern.matchAll(GROUPS)];
  if (groups.some(([text, choices]) => choices !== undefined && !isChoice(text))) {
    return `the pattern "${pattern}" has braces without a choice; write {a,b}`;
  }
  if (groups.some(([, , letters]) => letters !== undefined && !/^[A-Za-z0-9._-]+$/.test(letters))) {
    return `the pattern "${pattern}" has brackets that name no letters; write [abc] or [a-z]`;
  }
  if (!PLAIN.test(pattern.replace(GROUPS, ""))) {
    return `the pattern "${pattern}" cannot be read; besides letters, digits and . _ - : / @ it may hold *, ?, {a,b} and [abc] only`;
  }
  // Every star multiplies what a hostile name can cost.
  if (groups.filter(([text]) => text.startsWith("*")).length > MOST_STARS) {
    return `the pattern "${pattern}" has more than ${MOST_STARS} stars; use fewer, or a list of patterns`;
  }
  try {
    compileGlob(pattern);
    return null;
  } catch {
    return `the pattern "${pattern}" cannot be read; look at what stands in its brackets`;
  }
}

function isChoice(braces: string): boolean {
  return (
    braces.includes(",") && !/[*?[\]]/.test(braces) && PLAIN.test(braces.slice(1, -1).replaceAll(",", ""))
  );
}

/** A test whether a whole text matches the pattern, in any casing; `*` stays within one `/` segment, `**` does not. A text over 512 characters never matches. */
export function compileGlob(pattern: string): (text: string) => boolean {
  // The bare expression: deciding asks it for every rule and signal.
  const whole = picomatch.makeRe(pattern, OPTIONS);
  return (text) => text.length <= LONGEST_TEXT && whole.test(text);
}
