// The process of a function app: `node main.ts '{"appFile": …}'` (see process-settings.ts). App settings,
// connection strings of hubs among them, are environment variables as in Azure.
import { join } from "node:path";
import process from "node:process";
import { openAmqpSource } from "./amqp-source.ts";
import { createFileCheckpoints } from "./file-checkpoints.ts";
import type { HostLog } from "./function-app.ts";
import { startFunctionsHost } from "./host.ts";
import { parseProcessSettings } from "./process-settings.ts";

/** One line for one record, whatever is in it: a reader of the output must not lose its place. */
function print({ level, category, functionName, message }: HostLog): void {
  if (level === "trace" || level === "debug") return;
  const from = functionName ?? category;
  process.stderr.write(`[${level}] ${from}: ${message.replaceAll(/\s*\n\s*/g, " | ")}\n`);
}

function printError(sentence: string, error: unknown): void {
  const reason = error instanceof Error ? error.message : String(error);
  print({ level: "error", category: "host", message: `${sentence}: ${reason}` });
}

async function main(): Promise<void> {
  const settings = parseProcessSettings(process.argv[2]);
  const host = await startFunctionsHost({
    ...settings,
    settings: process.env,
    onLog: print,
    async connect({ connection, eventHubName, consumerGroup }) {
      const connectionString = process.env[connection];
      if (connectionString === undefined) throw new Error(`The app setting "${connection}" is missing.`);
      const source = await openAmqpSource({
        connectionString,
        eventHubName,
        consumerGroup,
        onError: printError,
      });
      const file = `${eventHubName}-${consumerGroup}`.toLowerCase().replaceAll(/[^\w-]/g, "_");
      const checkpoints = createFileCheckpoints(join(settings.checkpointDirectory, `${file}.json`));
      return { source, checkpoints, close: () => source.close() };
    },
  });
  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    const inTime = await host.stop();
    process.exit(inTime ? 0 : 1);
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => void stop());
  // Whoever started this process with a channel has died: an orphan must not go on reading the hub.
  process.on("disconnect", () => void stop());
  process.stdout.write(`${JSON.stringify({ ready: true, url: host.url })}\n`);
}

main().catch((error: unknown) => {
  printError("The functions host did not start", error);
  process.exit(1);
});
