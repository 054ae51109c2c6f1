import { Retryable } from "../../model/errors.ts";
import type { ApiCall } from "./api-call.ts";
import type { Circuit } from "./circuit.ts";
import { type AccessAdvice, classifyError, neverLeft, wayFault } from "./classify-error.ts";
import { asNoWay } from "./no-way.ts";

/** For so long nobody tries a cluster that cannot be reached. */
export const OPEN_MS = 60_000;

/** Our error for a failure of the client, noted in the way's circuit: open where nobody is there, closed by any answer. */
export function judgeFailure(
  circuit: Circuit,
  failure: unknown,
  call: ApiCall,
  advice?: AccessAdvice,
): unknown {
  const error = classifyError(failure, call, advice);
  if (wayFault(failure) !== "unreachable" || !(error instanceof Retryable)) {
    circuit.close();
    return error;
  }
  // Before that it would only hear of the circuit.
  const { message, cause } = error;
  const waits = new Retryable(message, error.advice, { retryAfterMs: OPEN_MS, cause });
  circuit.open(asNoWay(waits, { mayHaveLeft: !neverLeft(failure) }), OPEN_MS);
  return waits;
}
