import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { breaches } from "./floors.ts";
import { readSources } from "./source-files.ts";

const made: string[] = [];
afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true });
});

/** What is found in a tree of these files. */
function found(files: Record<string, string>): readonly string[] {
  const root = mkdtempSync(join(tmpdir(), "floors-"));
  made.push(root);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return breaches(readSources(root, ["src"]));
}

describe("the floors of the house", () => {
  it("hold in our own sources", () => {
    expect(breaches(readSources(".", ["src", "cli"]))).toEqual([]);
    expect(readSources(".", ["src", "cli", "local"]).filter(({ lines }) => lines > 300)).toEqual([]);
  });

  it.each([
    ["an upward import", { "src/model/a.ts": 'import { b } from "../engine/b.ts";\n' }, "imports upward"],
    ["a sideways import", { "src/rules/a.ts": 'import { b } from "../signals/b.ts";\n' }, "imports sideways"],
    [
      "an upward import of a type",
      { "src/store/a.ts": 'import type { B } from "../engine/b.ts";\n' },
      "imports upward",
    ],
    [
      "an upward dynamic import",
      { "src/clients/a.ts": 'const b = await import("../engine/b.ts");\n' },
      "imports upward",
    ],
    ["a re-export upward", { "src/clients/a.ts": 'export { b } from "../engine/b.ts";\n' }, "imports upward"],
    [
      "a cloud SDK in the engine",
      { "src/engine/a.ts": 'import { x } from "@azure/identity";\n' },
      "cloud SDK",
    ],
    [
      "a Kubernetes client in a playbook",
      { "src/playbooks/a.ts": 'import "@kubernetes/client-node";\n' },
      "cloud SDK",
    ],
    ["another package in the model", { "src/model/a.ts": 'import p from "picomatch";\n' }, "nothing but zod"],
    [
      "the Functions library outside functions",
      { "src/engine/a.ts": 'import { app } from "@azure/functions";\n' },
      "outside functions/",
    ],
    [
      "the environment below the roots",
      { "src/engine/a.ts": "export const a = process.env.A;\n" },
      "process.env",
    ],
    ["a clock of its own", { "src/engine/a.ts": "export const a = Date.now();\n" }, "time or randomness"],
    ["a file over 300 lines", { "src/engine/a.ts": "// line\n".repeat(301) }, "300 is the limit"],
    ["a file on no floor", { "src/helpers/a.ts": "export const a = 1;\n" }, "no floor"],
  ])("find %s", (_name, files, expected) => {
    expect(found(files as Record<string, string>).join("\n")).toContain(expected);
  });

  it("find a ring of imports, and let a ring of types pass", () => {
    const ring = (kind: string) => ({
      "src/engine/a.ts": `import ${kind}{ b } from "./b.ts";\n`,
      "src/engine/b.ts": `import ${kind}{ a } from "./a.ts";\n`,
    });
    expect(found(ring("")).join("\n")).toContain(
      "in a ring: src/engine/a.ts -> src/engine/b.ts -> src/engine/a.ts",
    );
    expect(found(ring("type "))).toEqual([]);
  });
});
