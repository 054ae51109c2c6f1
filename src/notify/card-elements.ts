/** Colours that text takes. */
export type CardColor = "default" | "attention" | "warning" | "good";

/** Text in our own words. Teams reads it as Markdown: nothing that comes from outside may stand here. */
export interface TextBlock {
  readonly type: "TextBlock";
  readonly text: string;
  readonly wrap: true;
  readonly weight?: "bolder";
  readonly size?: "medium" | "large";
}

/** A piece of text that no client reads as Markdown. */
export interface TextRun {
  readonly type: "TextRun";
  readonly text: string;
  readonly weight?: "bolder";
  readonly color?: CardColor;
  readonly fontType?: "monospace";
  readonly isSubtle?: true;
}

/** A line of text runs. */
export interface RichTextBlock {
  readonly type: "RichTextBlock";
  readonly inlines: readonly TextRun[];
  readonly spacing?: "none" | "small" | "medium";
}

/** Elements under one background. */
interface Container {
  readonly type: "Container";
  readonly style: "attention" | "warning" | "good" | "accent" | "emphasis" | "default";
  readonly bleed?: true;
  readonly separator?: true;
  readonly items: readonly CardElement[];
}

/** Buttons; a posted card has no bot behind it, so they only open pages. */
interface ActionSet {
  readonly type: "ActionSet";
  readonly actions: readonly {
    readonly type: "Action.OpenUrl";
    readonly title: string;
    readonly url: string;
  }[];
}

/** The elements in use, a small part of Adaptive Cards 1.5. */
export type CardElement = TextBlock | RichTextBlock | Container | ActionSet;

/** What a Teams Workflows webhook takes: one message with one card. */
export interface CardEnvelope {
  readonly type: "message";
  readonly attachments: readonly [
    {
      readonly contentType: "application/vnd.microsoft.card.adaptive";
      readonly contentUrl: null;
      readonly content: {
        readonly $schema: "http://adaptivecards.io/schemas/adaptive-card.json";
        readonly type: "AdaptiveCard";
        readonly version: "1.5";
        readonly msteams: { readonly width: "Full" };
        readonly body: readonly CardElement[];
      };
    },
  ];
}

/** Wraps elements as the message that the webhook takes. */
export function envelopeOf(body: readonly CardElement[]): CardEnvelope {
  return {
    type: "message",
    attachments: [
      {
        contentType: "application/vnd.microsoft.card.adaptive",
        contentUrl: null,
        content: {
          $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
          type: "AdaptiveCard",
          version: "1.5",
          msteams: { width: "Full" },
          body,
        },
      },
    ],
  };
}

/**
 * A run of text from anywhere. It takes no Markdown in any client (backslashes that would escape Markdown in a
 * TextBlock are shown on some phones); only the macros for dates work in it, and are broken.
 */
export function run(text: string, look: Omit<TextRun, "type" | "text"> = {}): TextRun {
  return { type: "TextRun", text: text.replace(/\{\{(?=DATE|TIME)/g, "{ {"), ...look };
}

/** A line of runs. */
export function line(inlines: readonly TextRun[], spacing?: RichTextBlock["spacing"]): RichTextBlock {
  return { type: "RichTextBlock", inlines, ...(spacing && { spacing }) };
}

/** A heading in our own words. */
export function heading(text: string, size?: TextBlock["size"]): TextBlock {
  return { type: "TextBlock", text, wrap: true, weight: "bolder", ...(size && { size }) };
}
