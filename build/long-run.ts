import { spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import process from "node:process";
import { longTable, withLongTable } from "./long-table.ts";

// Runs the suites of test/long with the figures of the promises (hours, not minutes), prints what they came to and puts
// it into docs/promises.md. REFLEX_SEED picks another seed; a name, such as crash-matrix, runs one suite alone.
const FIGURES = ".vitest/figures.jsonl";
const PAGE = "docs/promises.md";
const [only = ""] = process.argv.slice(2);
const seed = process.env["REFLEX_SEED"] ?? "20261124";

rmSync(FIGURES, { force: true });
const begun = performance.now();
const { status } = spawnSync(
  process.execPath,
  ["node_modules/vitest/vitest.mjs", "run", "--reporter=default", `test/long/${only}`],
  { stdio: "inherit", env: { ...process.env, REFLEX_LONG: "true", REFLEX_SEED: seed } },
);
const minutes = Math.round((performance.now() - begun) / 60_000);
const table = longTable(readFileSync(FIGURES, "utf8"), {
  seed,
  minutes,
  day: new Date().toISOString().slice(0, 10),
});
console.log(table);
if (status === 0 && only === "") writeFileSync(PAGE, withLongTable(readFileSync(PAGE, "utf8"), table));
process.exitCode = status ?? 1;
