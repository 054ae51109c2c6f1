import { type DigestGroup, digestTitle, groupFooter, inShort } from "./digest.ts";
import type { Story } from "./story.ts";

/** The text part of a mail about one message. */
export function mailText(story: Story, link: string | null): string {
  return document([
    [story.headline, ...titleLine(story)],
    [story.sentence],
    story.reason === null ? [] : [`Why: ${story.reason}`],
    story.remains.map((sentence) => `Remains: ${sentence}`),
    story.facts.map(({ label, value }) => `${label}: ${value}`),
    story.next.map(({ label, command }) => `${label}: ${command}`),
    link === null ? [] : [`Console: ${link}`],
    [story.mark],
  ]);
}

/** The text part of a digest. */
export function digestText(groups: readonly DigestGroup[], link: string | null): string {
  return document([
    [digestTitle(groups)],
    ...groups.flatMap((group) => [
      [`== ${group.words.headline} (${group.count}) ==`],
      ...group.stories.map((story) => [...titleLine(story), inShort(story), story.mark]),
      [groupFooter(group) ?? ""],
    ]),
    link === null ? [] : [`Console: ${link}`],
  ]);
}

function titleLine({ severity, title }: Story): string[] {
  return severity === null || title === null ? [] : [`${severity}: ${title}`];
}

function document(paragraphs: readonly (readonly string[])[]): string {
  const told = paragraphs.map((lines) => lines.filter((line) => line !== "").join("\n"));
  return `${told.filter((paragraph) => paragraph !== "").join("\n\n")}\n`;
}
