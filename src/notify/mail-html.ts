import { type DigestGroup, digestTitle, groupFooter, inShort } from "./digest.ts";
import { type Html, html } from "./html.ts";
import { KIND_WORDS, type KindWords } from "./kind-words.ts";
import type { Story } from "./story.ts";

/** Mail clients drop style sheets, so looks stand at each element. */
const FONT = "font-family:Segoe UI,Helvetica,Arial,sans-serif;font-size:14px;line-height:1.45;color:#1b1b1b";
const MONO = "font-family:Consolas,Menlo,monospace;font-size:13px";
const SUBTLE = `${MONO};color:#616161`;

const TONES: Readonly<Record<KindWords["tone"], string>> = {
  attention: "#a4262c",
  warning: "#8a5300",
  good: "#0b6a0b",
  accent: "#005a9e",
  emphasis: "#505050",
};

/** The HTML part of a mail about one message. */
export function mailHtml(story: Story, link: string | null): string {
  return page(story.headline, [
    html`<h1 style="${bar(story.kind)}">${story.headline}</h1>`,
    ...titleOf(story),
    paragraph(story.sentence),
    ...(story.reason === null ? [] : [html`<p><b>Why:</b> ${story.reason}</p>`]),
    ...(story.remains.length === 0
      ? []
      : [
          html`<p><b>Remains:</b></p><ul>${story.remains.map((sentence) => html`<li>${sentence}</li>`)}</ul>`,
        ]),
    ...rows(story.facts.map(({ label, value }) => row(label, html`${value}`))),
    ...rows(
      story.next.map(({ label, command }) => row(label, html`<code style="${MONO}">${command}</code>`)),
    ),
    ...linkTo(link),
    html`<p style="${SUBTLE}">${story.mark}</p>`,
  ]);
}

/** The HTML part of a digest. */
export function digestHtml(groups: readonly DigestGroup[], link: string | null): string {
  const title = digestTitle(groups);
  return page(title, [
    html`<h1 style="font-size:18px">${title}</h1>`,
    ...groups.map(groupSection),
    ...linkTo(link),
  ]);
}

function groupSection(group: DigestGroup): Html {
  const { words, count, stories } = group;
  const footer = groupFooter(group);
  return html`<h2 style="font-size:16px;color:${TONES[words.tone]}">${words.headline} (${String(count)})</h2>
${stories.map((story) => html`<div style="margin:0 0 12px;padding-left:10px;border-left:3px solid #d0d0d0">${titleOf(story)}${paragraph(inShort(story))}<p style="${SUBTLE};margin:0">${story.mark}</p></div>\n`)}
${footer === null ? [] : paragraph(footer)}`;
}

function page(title: string, body: readonly Html[]): string {
  const lines = body.map((part) => html`${part}\n`);
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${title}</title></head>
<body style="margin:0;padding:16px;background:#ffffff;${FONT}"><div style="max-width:720px">
${lines}</div></body></html>
`.markup;
}

function bar(kind: Story["kind"]): string {
  const color = TONES[KIND_WORDS[kind].tone];
  return `font-size:18px;margin:0 0 8px;padding:8px 12px;color:#ffffff;background:${color}`;
}

function titleOf({ severity, title }: Story): Html[] {
  return severity === null || title === null
    ? []
    : [html`<p style="margin:4px 0;font-size:15px"><b>${severity}:</b> ${title}</p>`];
}

function paragraph(text: string): Html {
  return html`<p style="margin:4px 0">${text}</p>`;
}

function rows(content: readonly Html[]): Html[] {
  return content.length === 0
    ? []
    : [html`<table style="border-collapse:collapse;margin:12px 0;${FONT}">${content}</table>`];
}

function row(label: string, value: Html): Html {
  const look = "text-align:left;vertical-align:top;padding:2px 16px 2px 0;font-weight:600;white-space:nowrap";
  return html`<tr><th style="${look}">${label}</th><td style="padding:2px 0;word-break:break-word">${value}</td></tr>`;
}

function linkTo(link: string | null): Html[] {
  return link === null ? [] : [html`<p><a href="${link}">Open the console</a></p>`];
}
