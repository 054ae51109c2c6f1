import type { MessageKind } from "../model/message.ts";
import type { Remediation } from "../model/remediation.ts";

/** What a person can do now, and the command that does it. */
export interface NextStep {
  readonly label: string;
  readonly command: string;
}

/** The steps that make sense in the state the message tells of, the likeliest first. */
export function nextSteps(kind: MessageKind, remediation: Remediation | null): readonly NextStep[] {
  if (remediation === null) {
    return kind === "silence" ? [{ label: "Find the broken hop", command: "reflex doctor" }] : [];
  }
  const { id } = remediation;
  const show = { label: "See plan and history", command: `reflex show ${id}` };
  switch (remediation.state) {
    case "awaiting-approval":
      return [
        show,
        { label: "Approve", command: `reflex approve ${id}` },
        { label: "Reject", command: `reflex reject ${id}` },
      ];
    case "applying":
    case "verifying":
    case "in-force": {
      const revert = { label: "Take it back", command: `reflex revert ${id}` };
      return kind === "deadline-warning"
        ? [{ label: "Keep it longer", command: `reflex extend ${id}` }, revert]
        : [revert, show];
    }
    case "failed":
    case "expired":
      return [show, { label: "Try again", command: `reflex retry ${id}` }];
    default:
      return [show];
  }
}
