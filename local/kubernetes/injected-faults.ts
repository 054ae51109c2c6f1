import { z } from "zod";

const answers = z.discriminatedUnion("kind", [
  /** Answers with this status instead of asking the API server. A text body goes out as text/plain. */
  z.object({
    kind: z.literal("status"),
    status: z.number().int(),
    body: z.json().optional(),
    headers: z.record(z.string(), z.string()).optional(),
  }),
  /** Waits, then goes on as if nothing were. */
  z.object({ kind: z.literal("delay"), milliseconds: z.number() }),
  /** Takes the request and never answers. Nothing is done. */
  z.object({ kind: z.literal("hang") }),
  /** Does the request and sends half of the answer under the full content-length. */
  z.object({ kind: z.literal("truncated") }),
  /** A login page with 200. Nothing is done. */
  z.object({ kind: z.literal("html") }),
  /** Answers as if it were done, but stores nothing. */
  z.object({ kind: z.literal("not-done") }),
  /** Does the request and drops the connection before the answer. */
  z.object({ kind: z.literal("lost-answer") }),
]);

/** The shape of a fault as it comes in over HTTP. */
export const faultSchema = z.strictObject({
  match: z
    .strictObject({
      method: z.string().optional(),
      /** Part of the path. */
      path: z.string().optional(),
      /** Part of the query string. */
      query: z.string().optional(),
    })
    .default({}),
  /** For how many matching requests; 1 unless told otherwise. */
  times: z.number().int().positive().default(1),
  answer: answers,
});

/** What shall go wrong for the next `times` requests that match. */
export type Fault = z.input<typeof faultSchema>;

/** How a faulty request is answered. */
export type FaultyAnswer = z.infer<typeof answers>;

/** The faults that wait for their requests; the first that matches is taken. */
export class InjectedFaults {
  readonly #waiting: { fault: z.infer<typeof faultSchema>; left: number }[] = [];

  /** Adds a fault behind those that already wait. Raises a ZodError for a malformed one. */
  add(fault: Fault): void {
    const parsed = faultSchema.parse(fault);
    this.#waiting.push({ fault: parsed, left: parsed.times });
  }

  /** Forgets every fault. */
  clear(): void {
    this.#waiting.length = 0;
  }

  /** How many requests can still meet a fault: zero once all have been used up. */
  get pending(): number {
    return this.#waiting.reduce((sum, { left }) => sum + left, 0);
  }

  /** Takes the fault for this request, if one waits. */
  take(method: string, path: string, query: string): FaultyAnswer | undefined {
    const index = this.#waiting.findIndex(
      ({ fault: { match } }) =>
        (match.method === undefined || match.method === method) &&
        (match.path === undefined || path.includes(match.path)) &&
        (match.query === undefined || query.includes(match.query)),
    );
    const found = this.#waiting[index];
    if (found === undefined) return undefined;
    found.left -= 1;
    if (found.left === 0) this.#waiting.splice(index, 1);
    return found.fault.answer;
  }
}
