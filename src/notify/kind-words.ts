import type { MessageKind } from "../model/message.ts";

/** How a kind of message is called, and how loud it is. All of it is our own wording, safe in every sink. */
export interface KindWords {
  readonly headline: string;
  /** Behind a count: `3 waiting for approval`. */
  readonly counted: string;
  /** Commands for a digest, with `ID` for the id of a remediation; null where none helps. */
  readonly hint: string | null;
  readonly tone: "attention" | "warning" | "good" | "accent" | "emphasis";
}

/** Words per kind, the most urgent first: in this order a digest tells them. */
export const KIND_WORDS: Readonly<Record<MessageKind, KindWords>> = {
  failed: {
    headline: "Remediation failed",
    counted: "failed",
    tone: "attention",
    hint: "reflex show ID, reflex retry ID --reason TEXT",
  },
  "awaiting-approval": {
    headline: "Approval needed",
    counted: "waiting for approval",
    tone: "warning",
    hint: "reflex show ID, reflex approve ID --reason TEXT, reflex reject ID --reason TEXT",
  },
  silence: {
    headline: "No events from Defender",
    counted: "about silence",
    tone: "attention",
    hint: null,
  },
  "foreign-mark": {
    headline: "Marked as ours, but in no open record",
    counted: "in no open record",
    tone: "warning",
    hint: null,
  },
  "deadline-warning": {
    headline: "Containment ends soon",
    counted: "ending soon",
    tone: "warning",
    hint: "reflex extend ID --by 4h --reason TEXT, reflex revert ID --reason TEXT",
  },
  "approval-reminder": {
    headline: "Still waiting for approval",
    counted: "still waiting",
    tone: "warning",
    hint: "reflex show ID, reflex approve ID --reason TEXT, reflex reject ID --reason TEXT",
  },
  asks: {
    headline: "Changed by somebody else: a person decides",
    counted: "changed by somebody else",
    tone: "warning",
    hint: "reflex show ID",
  },
  budget: {
    headline: "A budget is used up",
    counted: "over budget",
    tone: "warning",
    hint: "reflex list --state awaiting-approval",
  },
  tripped: {
    headline: "A rule only observes from now on",
    counted: "about tripped rules",
    tone: "attention",
    hint: "reflex resume --rule NAME --reason TEXT",
  },
  parked: {
    headline: "Events could not be read",
    counted: "about parked events",
    tone: "warning",
    hint: "reflex parked list",
  },
  "in-force": {
    headline: "Containment in force",
    counted: "in force",
    tone: "good",
    hint: "reflex revert ID --reason TEXT",
  },
  refused: { headline: "Refused by a guard", counted: "refused", tone: "accent", hint: "reflex show ID" },
  reverted: { headline: "Taken back", counted: "taken back", tone: "accent", hint: "reflex show ID" },
  ended: { headline: "Remediation ended", counted: "ended", tone: "accent", hint: "reflex show ID" },
  observed: { headline: "Observed only", counted: "observed", tone: "emphasis", hint: "reflex show ID" },
  notice: { headline: "Notice", counted: "to know", tone: "emphasis", hint: "reflex show ID" },
};
