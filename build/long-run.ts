import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import process from "node:process";
import { longRows, withLongRows } from "./long-table.ts";

// Runs the suites of test/long with the figures of the promises (an hour or more), prints what they came to and puts it
// into docs/promises.md. REFLEX_SEED picks another seed; a name behind `--`, such as crash-matrix, runs one suite alone; a
// second one, such as isolate-pod, of that suite the tests that name it.
const FIGURES = ".vitest/figures.jsonl";
const PAGE = "docs/promises.md";
const [only = "", part = ""] = process.argv.slice(2);
const seed = process.env["REFLEX_SEED"] ?? "20261124";

const suites = only === "" ? ["test/long/", "network-verdict.property", "every-moment.property"] : [only];

rmSync(FIGURES, { force: true });
const { status } = spawnSync(
  process.execPath,
  [
    "node_modules/vitest/vitest.mjs",
    "run",
    "--reporter=verbose",
    ...suites,
    ...(part === "" ? [] : ["-t", part]),
  ],
  { stdio: "inherit", env: { ...process.env, REFLEX_LONG: "true", REFLEX_SEED: seed } },
);
if (!existsSync(FIGURES)) {
  console.error(
    `Nothing named ${[only, part].join(" ").trim()} noted a figure: name a suite of test/long and a part of it.`,
  );
  process.exit(status || 2);
}
const rows = longRows(readFileSync(FIGURES, "utf8"), {
  command: [
    `REFLEX_SEED=${seed}`,
    "npm run test:long",
    ...(only === "" ? [] : ["--", only]),
    ...(part === "" ? [] : [JSON.stringify(part)]),
  ].join(" "),
  day: new Date().toISOString().slice(0, 10),
});
console.log(rows.join("\n"));
if (status === 0) writeFileSync(PAGE, withLongRows(readFileSync(PAGE, "utf8"), rows));
process.exitCode = status ?? 1;
