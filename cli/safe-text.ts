// A terminal obeys the same characters that no log, file or message may hide.
export { visibleJson as jsonText, visibleText as safeText } from "../src/model/visible-text.ts";
