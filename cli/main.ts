import { readFile } from "node:fs/promises";
import process from "node:process";
import { buffer } from "node:stream/consumers";
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
  env: process.env,
  fetch: globalThis.fetch,
  now: () => new Date(),
});
