import { ABSENT, type Answer, answered } from "./answer.ts";
import type { EntityIndex, EntityNode, Pointed } from "./entity-index.ts";
import { isObject, textOf } from "./json-value.ts";

/** What the resolution of an alert looks at. */
export interface AlertContext {
  readonly index: EntityIndex;
  /** ARM ids of the alert's own resource identifiers, as written. */
  readonly identifiers: readonly string[];
  /** ExtendedProperties by lower-cased name: Defender writes their first letter in both casings. */
  readonly extended: ReadonlyMap<string, string>;
}

/** Texts of an object by lower-cased name; two that differ only in casing and disagree count as not said. */
export function foldedTexts(value: unknown): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  const disputed = new Set<string>();
  for (const [key, field] of isObject(value) ? Object.entries(value) : []) {
    const name = key.toLowerCase();
    const text = textOf(field);
    if (text === null) continue;
    if (texts.has(name) && texts.get(name) !== text) disputed.add(name);
    texts.set(name, text);
  }
  for (const name of disputed) texts.delete(name);
  return texts;
}

/** The entities of one type, in the order of their definition. */
export function ofType(index: EntityIndex, type: string): readonly EntityNode[] {
  return index.nodes.filter((node) => node.type === type);
}

/** What an entity's own text field says. */
export function fieldAnswer(node: EntityNode, name: string): Answer {
  return answered(textOf(node.fields.get(name)));
}

/** The answer behind a reference: what `read` finds at its end, or the doubt about the reference. */
export function behind(pointed: Pointed, read: (node: EntityNode) => Answer): Answer {
  return pointed.state === "found" ? read(pointed.node) : pointed;
}

/** Only the doubt about a reference: absent where it leads to an entity. */
export function doubtOf(pointed: Pointed): Answer {
  return behind(pointed, () => ABSENT);
}
