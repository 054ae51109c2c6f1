import type { Message, MessageKind } from "../model/message.ts";
import type { Remediation } from "../model/remediation.ts";
import type { Severity } from "../model/signal.ts";
import { type Fact, readableTime, recordFacts } from "./facts.ts";
import { KIND_WORDS } from "./kind-words.ts";
import { type NextStep, nextSteps } from "./next-steps.ts";
import { plainText } from "./plain-text.ts";
import { stateSentence } from "./state-sentence.ts";

/** How much of a message is told: characters of the title and of other texts, entries of lists, facts or none. */
export interface Detail {
  readonly title: number;
  readonly text: number;
  readonly remains: number;
  readonly facts: boolean;
}

/** One message in words, for any sink: each text one plain line; the sink escapes its own syntax. */
export interface Story {
  readonly kind: MessageKind;
  readonly headline: string;
  /** Null for a message about no record. */
  readonly severity: Severity | "Unknown severity" | null;
  readonly title: string | null;
  readonly sentence: string;
  readonly reason: string | null;
  readonly remains: readonly string[];
  readonly facts: readonly Fact[];
  readonly next: readonly NextStep[];
  /** Remediation and sequence: equal ones are repetitions. */
  readonly mark: string;
}

/** Longer than any id we make; whatever is longer would not be one. */
const ID_LIMIT = 100;

/** Stands where nothing of a text can be shown; no sink takes an empty text everywhere. */
const NOTHING = "(no text)";

/** Tells a message in words, as detailed as asked for. Severity, title and mark are always there. */
export function tellStory(message: Message, detail: Detail): Story {
  const { kind, remediation } = message;
  const plain = (text: string) => plainText(text, detail.text) || NOTHING;
  return {
    kind,
    headline: KIND_WORDS[kind].headline,
    severity: remediation && (remediation.signal.severity ?? "Unknown severity"),
    title: remediation && (plainText(titleOf(remediation), detail.title) || NOTHING),
    sentence: plain(message.text ?? (remediation === null ? "" : stateSentence(remediation))),
    reason: remediation === null || remediation.reason === "" ? null : plain(remediation.reason),
    remains: shorten(remediation?.remains ?? [], detail.remains).map(plain),
    facts: detail.facts ? factsOf(message).map(({ label, value }) => ({ label, value: plain(value) })) : [],
    next: nextSteps(kind, remediation).map(({ label, command }) => ({
      label,
      command: plainText(command, ID_LIMIT + 20),
    })),
    mark: `${plainText(message.remediationId, ID_LIMIT)}, message ${message.sequence}`,
  };
}

function factsOf(message: Message): readonly Fact[] {
  const when = { label: "Told at", value: readableTime(message.at) };
  return message.remediation === null ? [when] : [...recordFacts(message.remediation), when];
}

function titleOf({ signal, playbook }: Remediation): string {
  return signal.title ?? (signal.kind === "manual" ? `Manual run of ${playbook}` : (signal.key ?? signal.id));
}

function shorten(sentences: readonly string[], most: number): readonly string[] {
  const told = sentences.slice(0, most);
  const rest = sentences.length - told.length;
  return rest > 0 ? [...told, `${rest} more, see the record`] : told;
}
