import { createHash } from "node:crypto";
import { z } from "zod";

const HALF = 2 ** 32;
const halvesSchema = z.object({ low: z.int(), high: z.int() });

/**
 * The sequence number of an event as its trigger metadata give it: a number, digits, or, with some versions of the
 * worker, an object of two 32-bit halves. Without one, a number made of the body: two events under one number would
 * be parked as one, and the same event gets the same number again.
 */
export function sequenceNumber(given: unknown, body: Uint8Array): number {
  if (Number.isSafeInteger(given)) return Number(given);
  if (typeof given === "string" && /^\d+$/.test(given)) return Number(given);
  const halves = halvesSchema.safeParse(given);
  if (halves.success) return halves.data.high * HALF + (halves.data.low >>> 0);
  return createHash("sha256").update(body).digest().readUIntBE(0, 6);
}
