import { z } from "zod";

const denialSchema = z.object({
  code: z.literal(422),
  body: z.string(),
});

const statusSchema = z.object({
  kind: z.literal("Status"),
  details: z.object({
    causes: z.array(z.object({ message: z.string().optional() })).min(1),
  }),
});

/** How a denial by a policy of ours begins, whose words may hold what the author of a pod wrote: short, and in plain letters. */
const DENIED =
  /^ValidatingAdmissionPolicy 'reflex-[a-z-]{1,40}' with binding 'reflex-[a-z-]{1,40}' denied request: (reflex-[a-z-]{1,40}: [\x20-\x7e]{1,500})/;

/** The same in a warning. */
const WARNED =
  /299 [^ ]{1,40} "Validation failed for ValidatingAdmissionPolicy 'reflex-[a-z-]{1,40}' with binding 'reflex-[a-z-]{1,40}': (reflex-[a-z-]{1,40}: (?:[^"\\]|\\.){1,500})/g;

/**
 * What a failed call says where the API server would not take an object (422): the words of a policy of ours, or null where
 * somebody else's policy, or the server's own validation, refused it. Null for every other failure.
 */
export function denialOf(error: unknown): { readonly words: string | null } | null {
  const answer = denialSchema.safeParse(error).data;
  const status = statusSchema.safeParse(parsed(answer?.body ?? "")).data;
  return status === undefined
    ? null
    : { words: wordsOf(status.details.causes.map(({ message }) => message)) };
}

const forbiddenSchema = z.object({ code: z.literal(403), body: z.string() });

/** Did the API server say that our identity has no such right? Admission that answers 403 as well does not count. */
export function lacksRight(error: unknown): boolean {
  const body = parsed(forbiddenSchema.safeParse(error).data?.body ?? "");
  return /: User "[^"]{1,300}" cannot [a-z]+ resource "/.test(
    z.object({ message: z.string() }).safeParse(body).data?.message ?? "",
  );
}

/** The words of our own policies among the messages of a refusal; null where none is ours. */
export function wordsOf(messages: readonly (string | undefined)[]): string | null {
  const ours = messages.flatMap((message) => DENIED.exec(message ?? "")?.[1] ?? []);
  return ours.length === 0 ? null : ours.join("; ");
}

/** The words of our own policies in the warning headers of an answer. */
export function wordsIn(warnings: string): string[] {
  return [...warnings.matchAll(WARNED)].map(([, words = ""]) => words.replace(/\\(.)/g, "$1"));
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}
