import { z } from "zod";

const clusterSchema = z.strictObject({
  /** Path of the Kubernetes API. `{{isolate-pod}}` stands for the id of this payload's remediation by that playbook. */
  path: z.string().startsWith("/"),
  /** JSON pointer into the answer; the whole answer when absent. */
  where: z.string().startsWith("/").optional(),
  /** Null: there is nothing, be it no object or no such field. */
  equals: z.json(),
});
/** One text for each message that goes out, in order; the message has to hold it. */
const messagesSchema = z.strictObject({
  teams: z.array(z.string()).default([]),
  mail: z.array(z.string()).default([]),
});
const remediationSchema = z.strictObject({
  playbook: z.string(),
  rule: z.string(),
  state: z.string(),
  proof: z.string().nullable(),
  /** Words of the target, and of the reason. */
  target: z.string().default(""),
  reason: z.string().default(""),
});
const stateSchema = z.strictObject({
  cluster: z.array(clusterSchema).default([]),
  messages: messagesSchema.prefault({}),
});

/** What is expected of one payload: the file `NN-name.expected.json` beside it. */
export const expectationSchema = z.strictObject({
  /** What it shows, in a few words. */
  what: z.string(),
  counts: z.strictObject({
    recorded: z.int(),
    joined: z.int(),
    parked: z.int(),
    unmatched: z.int(),
  }),
  /** Every remediation that is new or has changed, in any order. */
  remediations: z.array(remediationSchema).default([]),
  ...stateSchema.shape,
  /** What a person does next through the API, and what that leads to. */
  next: z.strictObject({ revert: z.string(), state: z.string(), ...stateSchema.shape }).optional(),
});

/** See `expectationSchema`. */
export type Expectation = z.infer<typeof expectationSchema>;
/** What the cluster and the channels should show. */
export type ExpectedState = z.infer<typeof stateSchema>;
