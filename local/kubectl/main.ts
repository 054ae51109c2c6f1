import { readFileSync } from "node:fs";
import process from "node:process";
import { type KubectlCall, kubectlCall } from "./call.ts";
import { failureWords } from "./failure-words.ts";
import { exchange, serverOf } from "./server.ts";

// The few calls of kubectl that run command makes, for machines without it; a test holds it against the real one.

const call = kubectlCall(process.argv.slice(2));
const server = serverOf(readFileSync(process.env["KUBECONFIG"] ?? "", "utf8"));
const answer = await answerTo(call);
for (const warning of answer.warnings) process.stderr.write(`Warning: ${warning}\n`);
if (answer.status < 300) process.stdout.write(answer.body);
else {
  process.stderr.write(`${failureWords(answer.status, answer.body.toString("utf8"))}\n`);
  process.exitCode = 1;
}

/** A patch is preceded by a look at the object, as the real one does. */
async function answerTo({ method, path, type, file }: KubectlCall): ReturnType<typeof exchange> {
  if (method === "PATCH") {
    const seen = await exchange(server, { method: "GET", path: path.split("?")[0] ?? "" });
    if (seen.status >= 300) return seen;
  }
  return exchange(server, { method, path, type, body: file === null ? undefined : readFileSync(file) });
}
