import type { Message } from "../model/message.ts";
import { KIND_WORDS, type KindWords } from "./kind-words.ts";
import { type Detail, type Story, tellStory } from "./story.ts";

/** All messages of one kind: how many there are, the first of them told, and how many of them are not. */
export interface DigestGroup {
  readonly words: KindWords;
  readonly count: number;
  readonly stories: readonly Story[];
  readonly rest: number;
}

const SEVERITIES: readonly unknown[] = ["Critical", "High", "Medium", "Low", "Informational"];

/**
 * Groups messages by kind, the most urgent kind first, and tells at most `most` of each, the most severe first.
 * A limit per kind, so that a flood of one kind does not hide the others.
 */
export function digestOf(messages: readonly Message[], most: number, detail: Detail): readonly DigestGroup[] {
  return Object.entries(KIND_WORDS).flatMap(([kind, words]) => {
    const group = messages.filter((message) => message.kind === kind).sort(bySeverity);
    const stories = group.slice(0, most).map((message) => tellStory(message, detail));
    const count = group.length;
    return count === 0 ? [] : [{ words, count, stories, rest: count - stories.length }];
  });
}

/** `12 messages: 2 failed, 10 in force`, of our own words and numbers only. */
export function digestTitle(groups: readonly DigestGroup[]): string {
  const total = groups.reduce((sum, { count }) => sum + count, 0);
  return `${total} messages: ${groups.map(({ count, words }) => `${count} ${words.counted}`).join(", ")}`;
}

/** What a digest says about one message: what was done or not, and why. */
export function inShort({ sentence, reason }: Story): string {
  return reason === null ? sentence : `${sentence} ${reason}`;
}

/** Last line of a group: how many are not told, and what can be done; null where there is nothing to say. */
export function groupFooter({ words, rest }: DigestGroup): string | null {
  const parts = [rest === 0 ? null : `and ${rest} more: reflex list`, words.hint];
  const told = parts.filter((part) => part !== null);
  return told.length === 0 ? null : told.join("; ");
}

function bySeverity(a: Message, b: Message): number {
  return rank(a) - rank(b);
}

function rank({ remediation }: Message): number {
  const index = SEVERITIES.indexOf(remediation?.signal.severity);
  return index < 0 ? SEVERITIES.length : index;
}
