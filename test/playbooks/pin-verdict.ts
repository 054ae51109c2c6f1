import { expect } from "vitest";
import { judgeOf } from "./admission-policy.ts";
import { evaluators } from "./cel-evaluators.ts";
import { manifest } from "./cluster-objects.ts";
import { asked, type Request } from "./pinned-requests.ts";

/** The policy that pins our identity, and its binding, as the operator applies them. */
export const [pin, binding] = manifest("5-pin-identity.yaml");

const judges = evaluators.map((evaluator) => judgeOf(pin, evaluator));

/** What the pin says about a request: why it denies it; null where it does not concern it. All evaluators must agree. */
export function pinVerdict(request: Request): readonly string[] | null {
  const admission = asked(request);
  const [first = null, ...others] = judges.map((judge) => judge(admission));
  for (const other of others) expect(other).toEqual(first);
  expect(others).not.toHaveLength(0);
  return first;
}
