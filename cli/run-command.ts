import { Command, CommanderError } from "commander";
import manifest from "../package.json" with { type: "json" };
import type { CommandContext, CommandIo, ExitCode } from "./command-io.ts";
import { addApprove } from "./commands/approve.ts";
import { addAudit } from "./commands/audit.ts";
import { addCheck } from "./commands/check.ts";
import { addDecode } from "./commands/decode.ts";
import { addExplain } from "./commands/explain.ts";
import { addExtend } from "./commands/extend.ts";
import { addList } from "./commands/list.ts";
import { addParked } from "./commands/parked.ts";
import { addPause } from "./commands/pause.ts";
import { addPermissions } from "./commands/permissions.ts";
import { addReject } from "./commands/reject.ts";
import { addReplay } from "./commands/replay.ts";
import { addReport } from "./commands/report.ts";
import { addResume } from "./commands/resume.ts";
import { addRetry } from "./commands/retry.ts";
import { addRevert } from "./commands/revert.ts";
import { addRun } from "./commands/run.ts";
import { addSend } from "./commands/send.ts";
import { addShow } from "./commands/show.ts";
import { errorWords } from "./error-words.ts";
import { complain } from "./print.ts";
import { Stop } from "./stop.ts";

/** Runs one command line, given without the program's name. Never rejects: what goes wrong is one sentence on standard error. */
export async function runCommand(argv: readonly string[], io: CommandIo): Promise<ExitCode> {
  let code: ExitCode = 0;
  const end = (ended: ExitCode) => {
    code = ended;
  };
  try {
    await programOf({ io, end }).parseAsync(argv, { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return endOf(error, io);
    if (error instanceof Stop) {
      complain(io, error.message);
      return error.code;
    }
    complain(io, `this should not have happened: ${errorWords(error)}`);
    return 1;
  }
}

function programOf(context: CommandContext): Command {
  const { io } = context;
  const program = new Command("reflex")
    .description(
      "Answers Microsoft Defender for Cloud. Exit codes: 0 good, 1 a negative answer, 2 wrong use.",
    )
    .version(manifest.version)
    .option("--json", "print lines of JSON")
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => io.write(text),
      // Only help after a mistake comes here; one sentence has to do.
      writeErr: () => {},
      outputError: (text) => complain(io, text.replace(/^error: /, "").replace(/\s*\n\s*/g, " ")),
      getOutHelpWidth: () => 110,
    });
  for (const add of [
    addDecode,
    addExplain,
    addCheck,
    addReplay,
    addPermissions,
    addSend,
    addRun,
    addList,
    addShow,
    addApprove,
    addReject,
    addExtend,
    addRetry,
    addRevert,
    addPause,
    addResume,
    addReport,
    addParked,
    addAudit,
  ]) {
    add(program, context);
  }
  return program;
}

/** Help and version end well; everything else that the parser says is wrong use, and has been said. */
function endOf(error: CommanderError, io: CommandIo): ExitCode {
  if (error.exitCode === 0) return 0;
  if (error.code === "commander.help") complain(io, "name a command; `reflex --help` lists them");
  return 2;
}
