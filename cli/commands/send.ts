import type { EventDataBatch, EventHubProducerClient } from "@azure/event-hubs";
import type { Command } from "commander";
import { type CommandContext, type CommandIo, type ExitCode, setting } from "../command-io.ts";
import { errorCode, errorWords } from "../error-words.ts";
import { readLocalStart } from "../local-start.ts";
import { printJson, printLine } from "../print.ts";
import { inputName, namedInputs, readInput } from "../read-input.ts";
import { splitRecords } from "../split-records.ts";
import { Stop } from "../stop.ts";

interface SendOptions {
  readonly split?: boolean;
  readonly json?: boolean;
}

interface Payload {
  readonly path: string;
  readonly body: Uint8Array;
}

/** The client's own times fit a service; a person waits for less. */
const RETRIES = { maxRetries: 2, retryDelayInMs: 500, timeoutInMs: 20_000 };

/** Adds `reflex send`: publishes payloads to the Event Hub. */
export function addSend(program: Command, { io, end }: CommandContext): void {
  program
    .command("send")
    .description(
      "Publishes payloads to the Event Hub of REFLEX_EVENTS (connection string) and REFLEX_EVENTS_HUB, else of the local start.",
    )
    .argument("<files...>", "payloads, each sent as it is as one event; - is standard input")
    .option("--split", "one event per record of a JSON list or of NDJSON")
    .action(async (files: string[], _options: unknown, command: Command) => {
      end(await send(io, files, command.optsWithGlobals<SendOptions>()));
    });
}

async function send(io: CommandIo, files: readonly string[], options: SendOptions): Promise<ExitCode> {
  const payloads: Payload[] = [];
  for (const path of namedInputs(files))
    payloads.push(...(await payloadsOf(io, path, options.split === true)));
  const producer = await openProducer(io);
  try {
    await publish(producer, payloads);
  } finally {
    await producer.close();
  }
  const sent = payloads.length;
  const hub = producer.eventHubName;
  if (options.json === true) printJson(io, { sent, hub });
  else printLine(io, `Sent ${sent} ${sent === 1 ? "event" : "events"} to the hub ${hub}.`);
  return 0;
}

async function payloadsOf(io: CommandIo, path: string, split: boolean): Promise<Payload[]> {
  const body = await readInput(io, path);
  if (body.length === 0) throw new Stop(2, `${inputName(path)} is empty; nothing was sent`);
  return (split ? splitRecords(body) : [body]).map((one) => ({ path, body: one }));
}

async function openProducer(io: CommandIo): Promise<EventHubProducerClient> {
  const given = setting(io, "REFLEX_EVENTS");
  const local = given === undefined ? await readLocalStart(io) : null;
  const connection = given ?? local?.events;
  if (connection === undefined) {
    throw new Stop(
      2,
      "there is no hub to send to: set REFLEX_EVENTS to a connection string, or run `npm start` in this folder",
    );
  }
  const hub = local?.hub ?? setting(io, "REFLEX_EVENTS_HUB");
  if (hub === undefined && !/(?:^|;)\s*EntityPath\s*=/i.test(connection))
    throw new Stop(2, "REFLEX_EVENTS names no hub: set REFLEX_EVENTS_HUB to its name");
  // Loaded here only: no other command waits for it.
  const { EventHubProducerClient } = await import("@azure/event-hubs");
  try {
    return hub === undefined
      ? new EventHubProducerClient(connection, { retryOptions: RETRIES })
      : new EventHubProducerClient(connection, hub, { retryOptions: RETRIES });
  } catch {
    // The client's words may repeat the connection string, which holds a key.
    throw new Stop(
      2,
      "REFLEX_EVENTS is no connection string of an Event Hubs namespace, or names another hub than REFLEX_EVENTS_HUB",
    );
  }
}

/** Fills all batches before the first is sent, so that an event that is too large leaves nothing half sent. */
async function publish(producer: EventHubProducerClient, payloads: readonly Payload[]): Promise<void> {
  let sent = 0;
  try {
    for (const batch of await batchesOf(producer, payloads)) {
      await producer.sendBatch(batch);
      sent += batch.count;
    }
  } catch (error) {
    if (error instanceof Stop) throw error;
    const done = sent === 0 ? "nothing was sent" : `${sent} of ${payloads.length} events were sent`;
    throw new Stop(
      1,
      `the hub ${producer.eventHubName} at ${producer.fullyQualifiedNamespace} did not take the events (${reasonOf(error)}); ${done}`,
    );
  }
}

async function batchesOf(
  producer: EventHubProducerClient,
  payloads: readonly Payload[],
): Promise<readonly EventDataBatch[]> {
  let batch = await producer.createBatch();
  const batches = [batch];
  for (const { path, body } of payloads) {
    if (batch.tryAdd({ body })) continue;
    if (batch.count > 0) {
      batch = await producer.createBatch();
      batches.push(batch);
      if (batch.tryAdd({ body })) continue;
    }
    throw new Stop(
      2,
      `${inputName(path)} holds an event of ${body.length} bytes, more than the hub takes (${batch.maxSizeInBytes}); use --split, or smaller records`,
    );
  }
  return batches;
}

/** The client wraps the failures of all its tries; the last one tells. */
function reasonOf(error: unknown): string {
  const last: unknown = error instanceof AggregateError ? error.errors.at(-1) : error;
  const code = errorCode(last);
  return code === null ? errorWords(last) : `${code}: ${errorWords(last)}`;
}
