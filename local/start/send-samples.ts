import type { Batches } from "./batches.ts";
import { differences, revertDifferences } from "./comparison.ts";
import type { Outcome } from "./observer.ts";
import { type Sample, withTimes } from "./samples.ts";
import type { LocalSystem } from "./system.ts";
import { tableHead, tableRow } from "./table.ts";

/** How samples are sent. */
export interface Sending {
  readonly system: LocalSystem;
  readonly batches: Batches;
  readonly samples: readonly Sample[];
  /** The time that the tokens of a payload count from. */
  sentAt(sample: string): Date;
  /** Whether what happens is held against what is expected. */
  readonly compare: boolean;
  print(line: string): void;
}

/** Sends the samples one after another and prints what became of each; gives the differences, one sentence each. */
export async function sendSamples(sending: Sending): Promise<string[]> {
  sending.print(tableHead());
  const found: string[] = [];
  for (const sample of sending.samples) found.push(...(await sendSample(sending, sample)));
  return found;
}

async function sendSample(sending: Sending, sample: Sample): Promise<string[]> {
  const { system, batches } = sending;
  const batch = batches.next();
  system.send(withTimes(sample.text, sending.sentAt(sample.name)));
  const outcome = await system.observer.look(await batch);
  const { expected, name } = sample;
  const faults = await show(sending, name, outcome, () => differences(outcome, expected, system.readBack));
  const { next } = expected;
  const made = outcome.changed.find(({ playbook }) => playbook === next?.revert);
  if (next === undefined || made === undefined) return faults;
  await system.api.revert(made.id, `shown by sample ${name}`);
  const after = await system.observer.look(null);
  const row = "   and then: reflex revert";
  return [
    ...faults,
    ...(await show(sending, row, after, () => revertDifferences(after, next, system.readBack))),
  ];
}

async function show(
  { compare, print }: Sending,
  name: string,
  outcome: Outcome,
  check: () => Promise<string[]>,
): Promise<string[]> {
  const faults = compare ? await check() : [];
  print(tableRow(compare ? (faults.length === 0 ? "✓" : "✗") : " ", name, outcome));
  return faults.map((fault) => `${name.trim()}: ${fault}`);
}
