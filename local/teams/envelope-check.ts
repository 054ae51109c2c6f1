import { checkCard } from "./card-check.ts";

/** What a request to the webhook holds: the card to post, or why it is refused. */
export type EnvelopeCheck =
  | { readonly kind: "card"; readonly card: object }
  | { readonly kind: "refused"; readonly reason: string };

const CARD_TYPE = "application/vnd.microsoft.card.adaptive";

function refused(reason: string): EnvelopeCheck {
  return { kind: "refused", reason };
}

/** Checks the envelope of the Workflows trigger and the one Adaptive Card in it. */
export function checkEnvelope(text: string): EnvelopeCheck {
  let envelope: unknown;
  try {
    envelope = JSON.parse(text);
  } catch {
    return refused("The body is no JSON.");
  }
  if (typeof envelope !== "object" || envelope === null) return refused("The body is no object.");
  const attachments: unknown = Reflect.get(envelope, "attachments");
  if (Reflect.get(envelope, "type") !== "message") return refused('The type must be "message".');
  if (!Array.isArray(attachments) || attachments.length !== 1)
    return refused("There must be one attachment.");
  const attachment: unknown = attachments[0];
  if (typeof attachment !== "object" || attachment === null) return refused("The attachment is no object.");
  if (Reflect.get(attachment, "contentType") !== CARD_TYPE)
    return refused(`The contentType must be "${CARD_TYPE}".`);
  if (Reflect.get(attachment, "contentUrl") !== null) return refused("The contentUrl must be null.");
  const card: unknown = Reflect.get(attachment, "content");
  const reason = checkCard(card);
  if (reason !== undefined) return refused(reason);
  return typeof card === "object" && card !== null
    ? { kind: "card", card }
    : refused("The card is no object.");
}
