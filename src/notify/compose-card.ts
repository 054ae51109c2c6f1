import type { Message } from "../model/message.ts";
import {
  type CardColor,
  type CardElement,
  type CardEnvelope,
  envelopeOf,
  heading,
  line,
  type RichTextBlock,
  run,
} from "./card-elements.ts";
import { type DigestGroup, digestOf, digestTitle, groupFooter, inShort } from "./digest.ts";
import { httpsLink, type MessageLinks } from "./https-link.ts";
import { KIND_WORDS } from "./kind-words.ts";
import { type Detail, type Story, tellStory } from "./story.ts";

/** Teams takes about 28 KB; the rest is for what Workflows adds on the way. */
const MOST_BYTES = 24 * 1024;

/** First texts get shorter, then facts go. Title, severity and mark stay, and the last always fits. */
const DETAILS: readonly Detail[] = [
  { title: 256, text: 1000, remains: 10, facts: true },
  { title: 200, text: 300, remains: 5, facts: true },
  { title: 120, text: 120, remains: 3, facts: true },
  { title: 120, text: 120, remains: 0, facts: false },
];

/** How many of each kind a digest tells; with one of each kind, of short texts, it always fits. */
const DIGEST_SIZES: readonly { readonly most: number; readonly detail: Detail }[] = [
  ...[20, 10, 5, 2].map((most) => ({ most, detail: { title: 120, text: 200, remains: 0, facts: false } })),
  { most: 1, detail: { title: 60, text: 60, remains: 0, facts: false } },
  { most: 1, detail: { title: 40, text: 40, remains: 0, facts: false } },
];

/**
 * An Adaptive Card 1.5 in the envelope of a Teams Workflows webhook, at most 24 KiB as JSON in UTF-8. One message is
 * told in detail, several as a digest by kind. Text from outside stands in text runs only, where nothing is markup.
 */
export function composeCard(messages: readonly Message[], links: MessageLinks): CardEnvelope {
  const only = messages.length === 1 ? messages[0] : undefined;
  const drafts =
    only === undefined
      ? DIGEST_SIZES.map(
          ({ most, detail }) =>
            () =>
              digestBody(digestOf(messages, most, detail)),
        )
      : DETAILS.map((detail) => () => storyBody(tellStory(only, detail)));
  const actions = actionsOf(links);
  let envelope = envelopeOf(actions);
  for (const draft of drafts) {
    envelope = envelopeOf([...draft(), ...actions]);
    if (Buffer.byteLength(JSON.stringify(envelope)) <= MOST_BYTES) {
      break;
    }
  }
  return envelope;
}

function storyBody(story: Story): CardElement[] {
  return [
    {
      type: "Container",
      style: KIND_WORDS[story.kind].tone,
      bleed: true,
      items: [heading(story.headline, "large"), ...titleLines(story)],
    },
    line([run(story.sentence)], "medium"),
    ...(story.reason === null ? [] : [factLine("Why", story.reason)]),
    ...story.remains.map((sentence) => factLine("Remains", sentence)),
    ...listOf(story.facts.map(({ label, value }) => factLine(label, value))),
    ...listOf(
      story.next.map(({ label, command }) =>
        line([run(`${label}: `, { weight: "bolder" }), run(command, { fontType: "monospace" })], "small"),
      ),
    ),
    markLine(story),
  ];
}

function digestBody(groups: readonly DigestGroup[]): CardElement[] {
  return [heading(digestTitle(groups), "large"), ...groups.map(groupContainer)];
}

function groupContainer(group: DigestGroup): CardElement {
  const { words, count, stories } = group;
  const footer = groupFooter(group);
  return {
    type: "Container",
    style: words.tone,
    separator: true,
    items: [
      heading(`${words.headline} (${count})`, "medium"),
      ...stories.flatMap((story) => [
        ...titleLines(story),
        line([run(inShort(story))], "none"),
        markLine(story),
      ]),
      ...(footer === null ? [] : [line([run(footer, { isSubtle: true })], "medium")]),
    ],
  };
}

function titleLines({ severity, title }: Story): RichTextBlock[] {
  if (severity === null || title === null) {
    return [];
  }
  return [line([run(`${severity}: `, { weight: "bolder", color: colorOf(severity) }), run(title)], "small")];
}

function colorOf(severity: Story["severity"]): CardColor {
  if (severity === "Critical" || severity === "High") {
    return "attention";
  }
  return severity === "Medium" ? "warning" : "default";
}

function factLine(label: string, value: string): RichTextBlock {
  return line([run(`${label}: `, { weight: "bolder" }), run(value)], "small");
}

/** Sets a list apart from what is above it. */
function listOf(lines: readonly RichTextBlock[]): CardElement[] {
  return lines.length === 0 ? [] : [{ type: "Container", style: "default", separator: true, items: lines }];
}

function markLine({ mark }: Story): RichTextBlock {
  return line([run(mark, { isSubtle: true, fontType: "monospace" })], "small");
}

function actionsOf(links: MessageLinks): CardElement[] {
  const url = httpsLink(links.console);
  return url === null
    ? []
    : [{ type: "ActionSet", actions: [{ type: "Action.OpenUrl", title: "Open the console", url }] }];
}
