import { z } from "zod";
import { type Bindings, type CelEvaluator, plainValue } from "./cel-evaluators.ts";

const policySchema = z.object({
  spec: z.object({
    matchConditions: z.array(z.strictObject({ name: z.string(), expression: z.string() })).default([]),
    variables: z.array(z.strictObject({ name: z.string(), expression: z.string() })),
    validations: z.array(
      z.strictObject({
        expression: z.string(),
        message: z.string(),
        messageExpression: z.string().optional(),
      }),
    ),
  }),
});

/** What an API server hands to a policy about one request. */
export interface Admission {
  readonly request: Bindings;
  readonly object: Bindings | null;
  readonly oldObject: Bindings | null;
  /** What the parameter holds; null where the policy has one that is not there. */
  readonly params?: Bindings | null;
}

/** What a policy says: the messages of what does not hold; null where it does not concern the request. */
export type Judge = (admission: Admission) => readonly string[] | null;

/**
 * A ValidatingAdmissionPolicy as one evaluator understands it. Every variable is evaluated, also where the API server
 * would not need it, and an error in any expression is one here: none of ours may fail.
 */
export function judgeOf(manifest: unknown, { compile }: CelEvaluator): Judge {
  const { matchConditions, variables, validations } = policySchema.parse(manifest).spec;
  const conditions = matchConditions.map(({ expression }) => compile(expression));
  const named = variables.map(({ name, expression }) => ({ name, of: compile(expression) }));
  const checks = validations.map(({ expression, message, messageExpression }) => ({
    holds: compile(expression),
    words: messageExpression === undefined ? () => message : compile(messageExpression),
  }));
  return (admission) => {
    const given: Bindings = { ...admission };
    if (!conditions.every((condition) => truth(condition(given)))) return null;
    let bindings: Bindings = { ...given, variables: {} };
    const known: Record<string, Bindings[string]> = {};
    for (const { name, of } of named) {
      known[name] = of(bindings);
      bindings = { ...given, variables: { ...known } };
    }
    return checks
      .filter(({ holds }) => !truth(holds(bindings)))
      .map(({ words }) => z.string().parse(plainValue(words(bindings))));
  };
}

function truth(value: unknown): boolean {
  return z.boolean().parse(value);
}
