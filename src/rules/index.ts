export { asksForLabels } from "./asks-for-labels.ts";
export type { Facts } from "./condition.ts";
export type { Configuration } from "./configuration.ts";
export { decide, decideLater } from "./decide.ts";
export { parseDuration } from "./duration.ts";
export { type Explanation, explain } from "./explain.ts";
export { parseConfiguration } from "./parse-configuration.ts";
export type { PlaybookDeclaration } from "./schema-words.ts";
export type { ConfigurationError } from "./yaml-source.ts";
