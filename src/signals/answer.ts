/** What the record says to one question: nothing, something that leads nowhere, several things, or one text. */
export type Answer =
  | { readonly state: "absent" }
  | { readonly state: "dangling" }
  | { readonly state: "ambiguous" }
  | { readonly state: "differs" }
  | { readonly state: "found"; readonly text: string };

/** Nothing is said. */
export const ABSENT: Answer = { state: "absent" };

/** Why a question has no answer that may be acted upon. */
export type Doubt = "pattern" | "ambiguous";

/** The answer that a text gives; null gives none. */
export function answered(text: string | null): Answer {
  return text === null ? ABSENT : { state: "found", text };
}

/** One answer out of several: doubts win over texts, and texts must agree (`fold` makes them comparable). */
export function agree(answers: readonly Answer[], fold: (text: string) => string = (text) => text): Answer {
  let found: Answer = ABSENT;
  let doubt: Answer | null = null;
  for (const answer of answers) {
    if (answer.state === "ambiguous") return answer;
    if (answer.state === "absent") continue;
    if (answer.state !== "found") doubt ??= answer;
    else if (found.state !== "found") found = answer;
    else if (fold(found.text) !== fold(answer.text)) doubt = { state: "differs" };
  }
  return doubt ?? found;
}

/** `answer`, or `fallback` where it is absent; a doubtful answer stays doubtful. */
export function orElse(answer: Answer, fallback: () => Answer): Answer {
  return answer.state === "absent" ? fallback() : answer;
}

/** The text of an answer, or null; records in `doubts` why something that may be acted upon has none. */
export function settle(answer: Answer, doubts: Set<Doubt>): string | null {
  if (answer.state === "ambiguous" || answer.state === "differs") doubts.add("ambiguous");
  if (answer.state !== "found") return null;
  if (!answer.text.includes("*")) return answer.text;
  doubts.add("pattern");
  return null;
}

/** Like `settle` for what only describes: texts that differ leave it open, without a doubt about the whole signal. */
export function settleDetail(answer: Answer, doubts: Set<Doubt>): string | null {
  return answer.state === "differs" ? null : settle(answer, doubts);
}
