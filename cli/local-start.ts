import { z } from "zod";
import { isLoopback } from "../src/clients/loopback.ts";
import type { CommandIo } from "./command-io.ts";
import { Stop } from "./stop.ts";

const FILE = ".reflex/local.json";
const localSchema = z.looseObject({
  url: z.url(),
  key: z.string(),
  token: z.url().refine((url) => isLoopback(new URL(url).hostname)),
  events: z.string(),
  hub: z.string(),
});

/** Where a local start listens: its API with key and tokens, and its hub with the connection string. */
export type LocalStart = z.infer<typeof localSchema>;

/** What `npm start` in this folder has written about itself; null where none has. Raises `Stop` where it is unreadable. */
export async function readLocalStart(io: CommandIo): Promise<LocalStart | null> {
  let bytes: Uint8Array;
  try {
    bytes = await io.readFile(FILE);
  } catch {
    return null;
  }
  const parsed = localSchema.safeParse(parsedOrNull(new TextDecoder().decode(bytes)));
  if (parsed.success) return parsed.data;
  throw new Stop(2, `${FILE} is not as \`npm start\` writes it; start it again, or remove the file`);
}

function parsedOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
