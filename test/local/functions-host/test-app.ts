import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { onTestFinished, vi } from "vitest";

/** Paths of a function app that was built for one test. */
export interface TestApp {
  readonly directory: string;
  readonly appFile: string;
  readonly hostFile: string;
}

const repository = fileURLToPath(new URL("../../..", import.meta.url));
const banner = `import { createRequire } from "node:module"; const require = createRequire(import.meta.url);`;

/** Makes a temporary directory that goes when the test ends. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "functions-host-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/**
 * Bundles `source` to one ESM file as the product is bundled, with a host.json beside it.
 * The source calls `app` of @azure/functions; `seen` is the array of `seenBy`.
 */
export async function buildTestApp(source: string, hostJson: object = {}): Promise<TestApp> {
  const directory = await temporaryDirectory();
  const appFile = join(directory, "main.js");
  const hostFile = join(directory, "host.json");
  const head = `import { app } from "@azure/functions"; const seen = (globalThis.seenByTestApp ??= []);\n`;
  await writeFile(join(directory, "package.json"), `{"type":"module"}`);
  await writeFile(hostFile, JSON.stringify({ version: "2.0", ...hostJson }));
  await build({
    stdin: { contents: head + source, resolveDir: repository, sourcefile: "test-app.js" },
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node22",
    external: ["@azure/functions-core"],
    banner: { js: banner },
    outfile: appFile,
    logLevel: "silent",
  });
  return { directory, appFile, hostFile };
}

/** What the app of the running test pushed to `seen` in this process; begins empty for each test. */
export function seenByApp(): unknown[] {
  const seen: unknown[] = [];
  Reflect.set(globalThis, "seenByTestApp", seen);
  onTestFinished(() => {
    Reflect.deleteProperty(globalThis, "seenByTestApp");
  });
  return seen;
}

/** Repeats a check until it holds; the limit is wide because other work may hold the machine. */
export function eventually(check: () => unknown): Promise<unknown> {
  return vi.waitFor(check, 20_000);
}
