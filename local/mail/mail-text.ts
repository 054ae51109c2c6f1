/** A raw message, split for display. */
export interface MailText {
  /** Header lines in order, continued lines joined; names as written, values not decoded. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** The first Subject header as it stands on the wire, or empty. */
  readonly subject: string;
  /** Everything behind the empty line, undecoded. */
  readonly body: string;
}

/** Splits a message at its first empty line; it decodes nothing. */
export function splitMail(raw: Buffer): MailText {
  const text = raw.toString("utf8");
  const end = text.indexOf("\r\n\r\n");
  const head = end === -1 ? text : text.slice(0, end);
  const headers = head
    .replaceAll(/\r\n(?=[ \t])/g, "")
    .split("\r\n")
    .filter((line) => line.includes(":"))
    .map((line): readonly [string, string] => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    });
  const subject = headers.find(([name]) => name.toLowerCase() === "subject")?.[1] ?? "";
  return { headers, subject, body: end === -1 ? "" : text.slice(end + 4) };
}
