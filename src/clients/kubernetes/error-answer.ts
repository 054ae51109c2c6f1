import { z } from "zod";

const statusSchema = z.object({
  kind: z.literal("Status"),
  reason: z.string().optional(),
  details: z
    .object({
      causes: z
        .array(
          z.object({
            reason: z.string().optional(),
            field: z.string().optional(),
            message: z.string().optional(),
          }),
        )
        .optional(),
    })
    .optional(),
});

/** What an error answer says: its HTTP code and, where the API server itself wrote it, reason and causes. */
export interface ErrorAnswer {
  readonly code: number;
  readonly status: z.infer<typeof statusSchema> | null;
  readonly retryAfter: string | undefined;
}

/** The causes that the API server names. */
export function causesOf({ status }: ErrorAnswer): readonly {
  reason?: string | undefined;
  field?: string | undefined;
  message?: string | undefined;
}[] {
  return status?.details?.causes ?? [];
}

const answerSchema = z.object({
  // An aborted call has a small numeric code too: only HTTP codes are answers.
  code: z.int().min(100).max(599),
  body: z.unknown(),
  headers: z.record(z.string(), z.unknown()),
});

/** The answer that an error of the client holds; null where nobody answered. */
export function errorAnswer(error: unknown): ErrorAnswer | null {
  const parsed = answerSchema.safeParse(error);
  if (!parsed.success) {
    return null;
  }
  const { code, body, headers } = parsed.data;
  const retryAfter = headers["retry-after"];
  return {
    code,
    status: statusOf(body),
    retryAfter: typeof retryAfter === "string" ? retryAfter : undefined,
  };
}

function statusOf(body: unknown): ErrorAnswer["status"] {
  if (typeof body !== "string") {
    return null;
  }
  try {
    return statusSchema.safeParse(JSON.parse(body)).data ?? null;
  } catch {
    return null;
  }
}
