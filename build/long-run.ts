import { spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import process from "node:process";
import { longRows, withLongRows } from "./long-table.ts";

// Runs the suites of test/long with the figures of the promises (an hour or more), prints what they came to and puts it
// into docs/promises.md. REFLEX_SEED picks another seed; a name behind `--`, such as crash-matrix, runs one suite alone.
const FIGURES = ".vitest/figures.jsonl";
const PAGE = "docs/promises.md";
const [only = ""] = process.argv.slice(2);
const seed = process.env["REFLEX_SEED"] ?? "20261124";

const suites = only === "" ? ["test/long/", "network-verdict.property", "every-moment.property"] : [only];

rmSync(FIGURES, { force: true });
const { status } = spawnSync(
  process.execPath,
  ["node_modules/vitest/vitest.mjs", "run", "--reporter=verbose", ...suites],
  { stdio: "inherit", env: { ...process.env, REFLEX_LONG: "true", REFLEX_SEED: seed } },
);
const rows = longRows(readFileSync(FIGURES, "utf8"), {
  command: `REFLEX_SEED=${seed} npm run test:long${only === "" ? "" : ` -- ${only}`}`,
  day: new Date().toISOString().slice(0, 10),
});
console.log(rows.join("\n"));
if (status === 0) writeFileSync(PAGE, withLongRows(readFileSync(PAGE, "utf8"), rows));
process.exitCode = status ?? 1;
