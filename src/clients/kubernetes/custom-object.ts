import { z } from "zod";
import { type CheckedMetadata, checkedDeletion, completeMetadata, type Expected } from "./checked-answer.ts";
import { StrangeAnswer } from "./classify-error.ts";
import type { Apis } from "./connection.ts";

const itemSchema = z.looseObject({
  metadata: z.looseObject({
    name: z.string().min(1),
    namespace: z.string().optional(),
    uid: z.string().min(1),
    resourceVersion: z.string().min(1),
    managedFields: z
      .array(
        z.looseObject({
          manager: z.string().optional(),
          operation: z.string().optional(),
          time: z.string().refine(isTime).optional(),
          fieldsV1: z.looseObject({}).optional(),
        }),
      )
      .optional(),
  }),
});
const objectSchema = z.looseObject({ ...itemSchema.shape, kind: z.string() });
const deletedSchema = z.looseObject({
  kind: z.string(),
  // Of an object that goes later this is what its kind calls its status.
  status: z.unknown().transform((status) => (typeof status === "string" ? status : undefined)),
  details: z.object({ name: z.string().optional(), uid: z.string().optional() }).optional().catch(undefined),
});
const listSchema = z.object({ kind: z.string(), items: z.array(itemSchema) });

/** An object of a kind that the client has no type for, as the wire has it. */
export type CustomObject = z.infer<typeof itemSchema>;

/** The answer, if it is the object that was asked for; raises `StrangeAnswer` otherwise, as for typed ones. */
export function checkedCustom(answer: unknown, { kind, name, namespace, uid }: Expected): CustomObject {
  const parsed = objectSchema.safeParse(answer);
  const found = parsed.success ? parsed.data : null;
  const same =
    found !== null &&
    found.kind === kind &&
    found.metadata.name === name &&
    (namespace === undefined || found.metadata.namespace === namespace) &&
    (uid === undefined || found.metadata.uid === uid);
  if (!same) throw new StrangeAnswer(`The answer is not ${kind} ${name}.`);
  return found;
}

/** Raises `StrangeAnswer` unless the answer says that this object is deleted, as for typed ones. */
export function checkedCustomDeletion(answer: unknown, expected: Omit<Expected, "namespace">): void {
  const parsed = deletedSchema.safeParse(answer);
  if (!parsed.success) throw new StrangeAnswer("The answer to a deletion is no object.");
  checkedDeletion(parsed.data, expected);
}

/**
 * The items of a list of that kind, which may say no kind of their own; raises `StrangeAnswer` where it is no such list,
 * or holds what is not of the namespace that was asked for.
 */
export function checkedCustomItems(
  answer: unknown,
  kind: string,
  namespace?: string,
): readonly CustomObject[] {
  const { data } = listSchema.safeParse(answer);
  const isWhole =
    data?.kind === kind &&
    data.items.every(({ metadata }) => namespace === undefined || metadata.namespace === namespace);
  if (!isWhole) throw new StrangeAnswer(`The answer is not a ${kind}.`);
  return data.items;
}

/** The metadata of such an object, typed; raises `StrangeAnswer` where it has not the form of any. */
export function customMetadata({ metadataFromWire }: Apis, { metadata }: CustomObject): CheckedMetadata {
  let typed: ReturnType<typeof metadataFromWire>;
  try {
    typed = metadataFromWire(metadata);
  } catch (cause) {
    throw new StrangeAnswer("The answer holds metadata of no known form.", { cause });
  }
  return completeMetadata(typed);
}

function isTime(text: string): boolean {
  return !Number.isNaN(Date.parse(text));
}
