import { createRequire } from "node:module";
import type * as AdaptiveCards from "adaptivecards";

// The package's main entry does not load in Node, its UMD file does; neither needs a DOM to parse.
const cards: typeof AdaptiveCards = createRequire(import.meta.url)("adaptivecards/dist/adaptivecards.js");

/** What a message without a bot behind it may offer: the rest would post back to nobody. */
const ACTIONS = new Set(["Action.OpenUrl", "Action.ToggleVisibility", "Action.ShowCard"]);
const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

function isOpenable(address: unknown): boolean {
  const url = typeof address === "string" ? URL.parse(address) : null;
  if (url === null) return false;
  return url.protocol === "https:" || (url.protocol === "http:" && LOOPBACK.has(url.hostname));
}

/** Properties that the card schema demands and the library below does not miss. */
const REQUIRED: Readonly<Record<string, readonly string[]>> = {
  TextBlock: ["text"],
  TextRun: ["text"],
  RichTextBlock: ["inlines"],
  Image: ["url"],
  ImageSet: ["images"],
  FactSet: ["facts"],
  Container: ["items"],
  ActionSet: ["actions"],
  "Action.ToggleVisibility": ["targetElements"],
  "Action.ShowCard": ["card"],
};

function checkNode(node: object): string | undefined {
  const type: unknown = Reflect.get(node, "type");
  if (typeof type !== "string") return undefined;
  if (type.startsWith("Action.") && !ACTIONS.has(type)) {
    return `${type} needs a bot; only ${[...ACTIONS].join(", ")} work here.`;
  }
  if (type === "Action.OpenUrl" && !isOpenable(Reflect.get(node, "url"))) {
    return "Action.OpenUrl needs an https address (http only on loopback).";
  }
  const missing = REQUIRED[type]?.find((property) => {
    const value: unknown = Reflect.get(node, property);
    return value === undefined || value === null || value === "";
  });
  return missing === undefined ? undefined : `${type} needs the property "${missing}".`;
}

/** The first fault of an element or action at any depth. */
function checkNodes(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const reason = checkNode(value);
  if (reason !== undefined) return reason;
  for (const inner of Object.values(value)) {
    const found = checkNodes(inner);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What the library for Adaptive Cards complains about: unknown elements and bad values. */
function checkBySchema(card: object): string | undefined {
  const context = new cards.SerializationContext();
  const parsed = new cards.AdaptiveCard();
  parsed.parse(card, context);
  const events = Array.from({ length: context.eventCount }, (_, index) => context.getEventAt(index));
  events.push(...parsed.validateProperties().validationEvents);
  return events.find((event) => event.event !== cards.ValidationEvent.Hint)?.message;
}

/**
 * The reason why Teams would not show a card posted through a Workflows webhook, or undefined: it must be an
 * Adaptive Card of version 1.0 to 1.5 with something in it, and with actions that need no bot.
 */
export function checkCard(card: unknown): string | undefined {
  if (typeof card !== "object" || card === null || Array.isArray(card)) return "The card is no object.";
  const version: unknown = Reflect.get(card, "version");
  const body: unknown = Reflect.get(card, "body");
  if (Reflect.get(card, "type") !== "AdaptiveCard") return 'The type of the card must be "AdaptiveCard".';
  if (typeof version !== "string" || !/^1\.[0-5]$/.test(version)) return "The version must be 1.0 to 1.5.";
  if (!Array.isArray(body) || body.length === 0)
    return "The body of the card must be a list with an element.";
  return checkNodes(card) ?? checkBySchema(card);
}
