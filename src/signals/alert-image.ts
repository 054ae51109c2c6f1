import { type AlertContext, fieldAnswer, ofType } from "./alert-context.ts";
import { ABSENT, type Answer, agree, answered } from "./answer.ts";
import type { EntityIndex, EntityNode } from "./entity-index.ts";
import { digestOf, digestWithin } from "./image-reference.ts";
import { textOf } from "./json-value.ts";

/** The image that the containers use: entities, and answers where there is no entity (text, or a doubtful reference). */
function usedImages(index: EntityIndex): { nodes: readonly EntityNode[]; answers: readonly Answer[] } {
  const nodes: EntityNode[] = [];
  const answers: Answer[] = [];
  for (const container of ofType(index, "container")) {
    const written = textOf(container.fields.get("image"));
    const pointed = index.follow(container, "image", "container-image");
    if (written !== null) answers.push(answered(written));
    else if (pointed.state === "found") nodes.push(pointed.node);
    else if (pointed.state !== "absent") answers.push(pointed);
  }
  // No container says which: then the images that the alert lists.
  return nodes.length + answers.length > 0
    ? { nodes, answers }
    : { nodes: ofType(index, "container-image"), answers };
}

/** Image reference and digest of an alert. The digest is in the reference or a field of the image entity. */
export function imageOf({ index, extended }: AlertContext): {
  readonly image: Answer;
  readonly digest: Answer;
} {
  const { nodes, answers } = usedImages(index);
  const isSilent = nodes.length + answers.length === 0;
  const image = isSilent
    ? answered(extended.get("container image") ?? null)
    : agree([...answers, ...nodes.map((node) => fieldAnswer(node, "imageId"))]);
  if (image.state !== "found" && image.state !== "absent") return { image, digest: ABSENT };
  const written = image.state === "found" ? image.text : null;
  const properties = nodes.map((node) => answered(digestOf(textOf(node.fields.get("digest")))));
  return { image, digest: agree([answered(digestWithin(written)), ...properties]) };
}
