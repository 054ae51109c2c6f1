import { type CelInput, celEnv, isCelError, isCelList, parse, plan } from "@bufbuild/cel";
import { strings } from "@bufbuild/cel/ext";
import { Environment } from "@marcbachmann/cel-js";

/** What an expression may name. */
export type Bindings = Readonly<Record<string, CelInput>>;

/** Two implementations that know nothing of each other: where both agree, it is what CEL means. */
export interface CelEvaluator {
  readonly name: string;
  /** Raises an error where the expression is none; what it gives does so where the evaluation fails. */
  compile(expression: string): (bindings: Bindings) => CelInput;
}

const env = celEnv({ funcs: strings });

const bufbuild: CelEvaluator = {
  name: "@bufbuild/cel",
  compile(expression) {
    const planned = plan(env, parse(expression));
    return (bindings) => {
      const value = planned(bindings);
      if (isCelError(value)) throw value;
      return value;
    };
  },
};

/** With the one function of the strings extension that it lacks. */
const lenient = new Environment({ unlistedVariablesAreDyn: true }).registerFunction(
  "string.replace(string, string): string",
  (text: string, from: string, to: string) => text.replaceAll(from, to),
);

const marcbachmann: CelEvaluator = {
  name: "@marcbachmann/cel-js",
  compile: (expression) => lenient.parse(expression),
};

/** Both of them. */
export const evaluators: readonly CelEvaluator[] = [bufbuild, marcbachmann];

/** A list or a plain value that an evaluator gave, as JavaScript has it. */
export function plainValue(value: unknown): unknown {
  return isCelList(value) ? [...value] : value;
}
