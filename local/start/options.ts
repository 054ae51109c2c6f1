import { parseArgs } from "node:util";
import { MODES, type Mode } from "../../src/model/mode.ts";

/** What `npm start` was asked for. */
export interface StartOptions {
  /** Sends the samples into a fresh system, compares, and ends. */
  readonly once: boolean;
  /** Of the API; 0 takes a free one. */
  readonly port: number;
  /** The ceiling; null: the configuration's own. */
  readonly mode: Mode | null;
  /** A real cluster instead of the stand-in. */
  readonly cluster: { readonly kubeconfig: string; readonly context: string | null } | null;
  /** Folder of the samples; null sends none. */
  readonly samples: string | null;
  /** Where everything is kept. */
  readonly state: string;
}

/** What `--help` prints. */
export const USAGE = `npm start -- [options]

Starts defender-reflex on stand-ins of everything around it, all on this machine, sends it the sample payloads, shows
what became of each, and stays up until Ctrl-C. Started again it still knows everything.

  --once               only the samples, in a fresh system: compares with what is expected, exits 1 on a difference
  --port N             port of the API (7071)
  --no-samples         sends no samples
  --samples DIR        folder of samples (local/samples)
  --state DIR          where everything is kept (.reflex)
  --mode MODE          ceiling: ${MODES.join(", ")}
  --kubeconfig FILE    a real cluster instead of the stand-in; then it only observes, unless --mode says more
  --context NAME       context of that file
`;

const PORT = 7071;
/** What would make the outcome of `--once` another one than the samples expect, or would be left behind. */
const NOT_WITH_ONCE = ["no-samples", "state", "mode", "kubeconfig"] as const;

/** Reads the arguments; `help`, or one sentence about what is wrong with them. */
export function readOptions(args: readonly string[]): StartOptions | "help" | { readonly fault: string } {
  const parsed = parse(args);
  if (typeof parsed === "string") return { fault: parsed };
  if (parsed.help) return "help";
  const { once = false, kubeconfig, context } = parsed;
  const conflict = once ? NOT_WITH_ONCE.find((name) => parsed[name] !== undefined) : undefined;
  if (conflict !== undefined)
    return { fault: `--once starts its own fresh system: leave out --${conflict}.` };
  if (context !== undefined && kubeconfig === undefined) return { fault: "--context needs --kubeconfig." };
  const port = parsed.port === undefined ? (once ? 0 : PORT) : Number(parsed.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535 || parsed.port === "") {
    return { fault: `--port ${parsed.port} is no port: give a number from 0 to 65535.` };
  }
  const asked = MODES.find((mode) => mode === parsed.mode);
  if (parsed.mode !== undefined && asked === undefined) {
    return { fault: `--mode ${parsed.mode} is none of ${MODES.join(", ")}.` };
  }
  return {
    once,
    port,
    // On a cluster of somebody's nothing is changed that was not asked for.
    mode: asked ?? (kubeconfig === undefined ? null : "observe"),
    cluster: kubeconfig === undefined ? null : { kubeconfig, context: context ?? null },
    samples: parsed["no-samples"] ? null : (parsed.samples ?? "local/samples"),
    state: parsed.state ?? ".reflex",
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: false,
      options: {
        help: { type: "boolean", short: "h" },
        once: { type: "boolean" },
        port: { type: "string" },
        mode: { type: "string" },
        kubeconfig: { type: "string" },
        context: { type: "string" },
        "no-samples": { type: "boolean" },
        samples: { type: "string" },
        state: { type: "string" },
      },
    }).values;
  } catch (error) {
    const [sentence = ""] = (error instanceof Error ? error.message : String(error)).split(/[.\n]/);
    return `${sentence}. npm start -- --help lists what there is.`;
  }
}
