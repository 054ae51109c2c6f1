import type { Message } from "../model/message.ts";
import { digestOf, digestTitle } from "./digest.ts";
import { httpsLink, type MessageLinks } from "./https-link.ts";
import { digestHtml, mailHtml } from "./mail-html.ts";
import { digestText, mailText } from "./mail-text.ts";
import { plainText } from "./plain-text.ts";
import { type Detail, type Story, tellStory } from "./story.ts";

/** A mail in its two forms; the subject is one line. */
export interface ComposedMail {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

const DETAIL: Detail = { title: 256, text: 1000, remains: 20, facts: true };
const DIGEST_DETAIL: Detail = { title: 160, text: 300, remains: 0, facts: false };
const DIGEST_MOST = 50;
const SUBJECT_LIMIT = 160;

/** What a mail says: one message in detail, several as a digest by kind. Text from outside is never markup in it. */
export function composeMail(messages: readonly Message[], links: MessageLinks): ComposedMail {
  const link = httpsLink(links.console);
  const only = messages.length === 1 ? messages[0] : undefined;
  if (only !== undefined) {
    const story = tellStory(only, DETAIL);
    return { subject: subjectOf(story), text: mailText(story, link), html: mailHtml(story, link) };
  }
  const groups = digestOf(messages, DIGEST_MOST, DIGEST_DETAIL);
  return {
    subject: `defender-reflex: ${digestTitle(groups)}`,
    text: digestText(groups, link),
    html: digestHtml(groups, link),
  };
}

function subjectOf({ headline, severity, title }: Story): string {
  const about = severity === null || title === null ? "" : ` (${severity}): ${title}`;
  return plainText(`defender-reflex: ${headline}${about}`, SUBJECT_LIMIT);
}
