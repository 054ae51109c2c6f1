import type { Remediation } from "./remediation.ts";

/** What a message is about; each kind has its own words and urgency. */
export type MessageKind =
  | "notice"
  | "in-force"
  | "awaiting-approval"
  | "deadline-warning"
  | "ended"
  | "reverted"
  | "failed"
  | "refused"
  | "observed"
  | "foreign-mark"
  | "approval-reminder"
  | "budget"
  | "tripped"
  | "asks"
  | "parked"
  | "silence";

/** One message to one channel, as stored in its due row. At least once: id and sequence let the reader see a repetition. */
export interface Message {
  readonly kind: MessageKind;
  readonly channel: string;
  readonly remediationId: string;
  readonly sequence: number;
  readonly at: string;
  /** The record as it was, so that the message tells the moment and not what came later; null for messages about no record. */
  readonly remediation: Remediation | null;
  /** What it says where there is no record. */
  readonly text: string | null;
}

/** Sends messages to a channel. Several at once become a digest. Errors: `Retryable`, `Permanent`. */
export interface ChannelPort {
  send(channel: string, messages: readonly Message[]): Promise<void>;
}
