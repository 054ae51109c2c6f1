import { z } from "zod";

const statusSchema = z.object({
  kind: z.literal("Status"),
  reason: z.string().default(""),
  message: z.string().default(""),
  details: z
    .object({
      kind: z.string().default(""),
      name: z.string().default(""),
      causes: z
        .array(z.object({ field: z.string().default(""), message: z.string().default("") }))
        .default([]),
    })
    .default({ kind: "", name: "", causes: [] }),
});

/** What kubectl says of an answer without success. */
export function failureWords(code: number, body: string): string {
  const status = statusSchema.safeParse(parsed(body)).data;
  if (status === undefined) {
    return code === 404
      ? "Error from server (NotFound): the server could not find the requested resource"
      : `Error from server (InternalError): an error on the server (${JSON.stringify(body.slice(0, 200))}) has prevented the request from succeeding`;
  }
  const { reason, message, details } = status;
  if (reason === "Unauthorized") return `error: You must be logged in to the server (${message})`;
  if (reason !== "Invalid") return `Error from server${reason === "" ? "" : ` (${reason})`}: ${message}`;
  const said =
    details.kind === "" ? "The request is invalid" : `The ${details.kind} "${details.name}" is invalid`;
  const causes = [...new Set(details.causes.map((one) => `${one.field}: ${one.message}`))];
  if (causes.length === 0) return `${said}: ${message}`;
  return causes.length === 1
    ? `${said}: ${causes[0]}`
    : `${said}: ${causes.map((one) => `\n* ${one}`).join("")}`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
