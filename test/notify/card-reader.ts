import { createRequire } from "node:module";
import { z } from "zod";
import type { CardEnvelope } from "../../src/notify/card-elements.ts";

const element: z.ZodType<CardPart> = z.lazy(() =>
  z.looseObject({
    type: z.string(),
    text: z.string().optional(),
    url: z.string().optional(),
    items: z.array(element).optional(),
    inlines: z.array(element).optional(),
    actions: z.array(element).optional(),
  }),
);

/** Any part of a card, as read from its JSON. */
export interface CardPart {
  readonly type: string;
  readonly text?: string | undefined;
  readonly url?: string | undefined;
  readonly items?: readonly CardPart[] | undefined;
  readonly inlines?: readonly CardPart[] | undefined;
  readonly actions?: readonly CardPart[] | undefined;
}

const envelope = z.strictObject({
  type: z.literal("message"),
  attachments: z.tuple([
    z.strictObject({
      contentType: z.literal("application/vnd.microsoft.card.adaptive"),
      contentUrl: z.null(),
      content: z.looseObject({
        type: z.literal("AdaptiveCard"),
        version: z.literal("1.5"),
        body: z.array(element),
      }),
    }),
  ]),
});

/** All parts of a card after a trip through JSON, outer ones first. */
export function cardParts(card: CardEnvelope): readonly CardPart[] {
  const walk = (part: CardPart): CardPart[] => [
    part,
    ...[...(part.items ?? []), ...(part.inlines ?? []), ...(part.actions ?? [])].flatMap(walk),
  ];
  return envelope.parse(JSON.parse(JSON.stringify(card))).attachments[0].content.body.flatMap(walk);
}

/** What a reader sees: a line for each text block and each line of runs. */
export function cardLines(card: CardEnvelope): readonly string[] {
  return cardParts(card).flatMap((part) => {
    if (part.type === "TextBlock") {
      return [part.text ?? ""];
    }
    return part.type === "RichTextBlock" ? [(part.inlines ?? []).map(({ text }) => text).join("")] : [];
  });
}

/** The entry that the package's `main` names does not load in Node; its UMD file does. */
const adaptiveCards: typeof import("adaptivecards") = createRequire(import.meta.url)(
  "adaptivecards/dist/adaptivecards.js",
);

/** What Microsoft's own renderer finds wrong with a card: unknown elements, bad values, missing properties. */
export function cardFaults(card: CardEnvelope): readonly string[] {
  const context = new adaptiveCards.SerializationContext(adaptiveCards.Versions.v1_5);
  const parsed = new adaptiveCards.AdaptiveCard();
  parsed.parse(JSON.parse(JSON.stringify(card.attachments[0].content)), context);
  const faults = Array.from({ length: context.eventCount }, (_, index) => context.getEventAt(index).message);
  return [...faults, ...parsed.validateProperties().validationEvents.map(({ message }) => message)];
}
