import type { CommandIo } from "./command-io.ts";
import { safeText } from "./safe-text.ts";
import { Stop } from "./stop.ts";

/** Does the person at the terminal say yes? Without a terminal it raises `Stop` (2) with what to give instead. */
export async function confirmed(io: CommandIo, question: string, instead: string): Promise<boolean> {
  if (io.ask === null) throw new Stop(2, `nobody is asked without a terminal; ${instead}`);
  const answer = await io.ask(`${safeText(question)} [y/N] `);
  return /^y(es)?$/i.test(answer.trim());
}
