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
    return [];
  }
  const { id } = remediation;
  const show = { label: "See plan and history", command: `reflex show ${id}` };
  switch (remediation.state) {
    case "awaiting-approval":
      return [
        show,
        { label: "Approve", command: `reflex approve ${id} --reason TEXT` },
        { label: "Reject", command: `reflex reject ${id} --reason TEXT` },
      ];
    case "applying":
    case "verifying":
    case "in-force": {
      const revert = { label: "Take it back", command: `reflex revert ${id} --reason TEXT` };
      return kind === "deadline-warning"
        ? [{ label: "Keep it longer", command: `reflex extend ${id} --by 4h --reason TEXT` }, revert]
        : [revert, show];
    }
    case "superseded":
      // Somebody else's change is in the way of taking it back.
      return remediation.touched
        ? [
            show,
            { label: "Take back the rest, once it may be", command: `reflex revert ${id} --reason TEXT` },
          ]
        : [show];
    case "failed":
    case "expired":
      return [show, { label: "Try again", command: `reflex retry ${id} --reason TEXT` }];
    default:
      return [show];
  }
}
