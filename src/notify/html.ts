/** Markup that is safe to send: made by `html` only, which escapes everything that is not markup itself. */
export class Html {
  readonly markup: string;

  constructor(markup: string) {
    this.markup = markup;
  }
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** A template of markup: text put into it is escaped for elements and quoted attributes; markup and lists of it stay. */
export function html(
  parts: TemplateStringsArray,
  ...values: readonly (string | Html | readonly Html[])[]
): Html {
  const filled = values.map((value, index) => `${asMarkup(value)}${parts[index + 1] ?? ""}`);
  return new Html((parts[0] ?? "") + filled.join(""));
}

function asMarkup(value: string | Html | readonly Html[]): string {
  if (typeof value === "string") {
    return value.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
  }
  return value instanceof Html ? value.markup : value.map(({ markup }) => markup).join("");
}
