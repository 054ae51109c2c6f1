/** The option of every command that asks the API. The key has none: a flag stands in lists of processes. */
export const URL_FLAGS = "--url <address>";
/** What the option does. */
export const URL_HELP =
  "address of the API (else REFLEX_URL, else the local start); key and token are read from REFLEX_KEY and REFLEX_TOKEN";
