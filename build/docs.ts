import { readFile, writeFile } from "node:fs/promises";
import { playbooks } from "../src/playbooks/index.ts";
import { playbookTable, withTable } from "./playbook-table.ts";

// Writes what is generated into the documents; a test fails where they are out of date.
await writeFile("README.md", withTable(await readFile("README.md", "utf8"), playbookTable(playbooks)));
