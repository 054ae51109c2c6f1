import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import process from "node:process";
import { createInterface } from "node:readline/promises";
import { buffer } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";
import { runCommand } from "./run-command.ts";

/** Composition root of the `reflex` command: the only file of it that touches the process. */
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // A reader that has seen enough, such as head, is no fault.
  if (error.code === "EPIPE") process.exit(0);
  process.stderr.write(`reflex: the output could not be written (${error.code ?? error.message}).\n`);
  process.exit(1);
});
// Without a reader of errors there is nobody to tell.
process.stderr.on("error", () => {});

process.exitCode = await runCommand(process.argv.slice(2), {
  write: (text) => process.stdout.write(text),
  writeError: (text) => process.stderr.write(text),
  readFile: (path) => (path === "-" ? buffer(process.stdin) : readFile(path)),
  openFile: (path) => (path === "-" ? process.stdin : createReadStream(path)),
  env: process.env,
  fetch: globalThis.fetch,
  azureToken: async (tenantId, scope) => {
    const { AzureCliCredential } = await import("../src/clients/entra/azure-cli.ts");
    return (await new AzureCliCredential({ tenantId }).getToken(scope)).token;
  },
  now: () => new Date(),
  // The question goes to standard error: what is printed may be read by a program.
  ask: process.stdin.isTTY && process.stderr.isTTY ? ask : null,
  wait: (ms) => setTimeout(ms),
});

async function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    // Ended without an answer, the input ends the question too.
    const ended = new Promise<string>((resolve) => terminal.once("close", () => resolve("")));
    return await Promise.race([terminal.question(question), ended]);
  } finally {
    terminal.close();
  }
}
