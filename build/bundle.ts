import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { type BuildOptions, build } from "esbuild";

// In an ES module bundle, CommonJS dependencies still call `require`; the wrapped one of the Functions worker is found through it.
const REQUIRE =
  'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);';

const common = {
  bundle: true,
  platform: "node",
  format: "esm",
  sourcemap: true,
  sourcesContent: false,
  logLevel: "warning",
  // The worker supplies this module; a copy of ours would register functions into the void.
  external: ["@azure/functions-core"],
} satisfies BuildOptions;

// Stands in the bundle until its hash is known; as long as one, so that the source map stays right.
const BUILD = "@build".padEnd(64, "-");

const app = await build({
  ...common,
  write: false,
  // Every record names the build that made it: the hash of all that runs, the same wherever it is built.
  define: { REFLEX_BUILD: JSON.stringify(BUILD) },
  target: "node22",
  banner: { js: REQUIRE },
  // One file: what is imported when first needed is initialised then.
  entryPoints: { main: "src/main.ts" },
  outdir: "dist",
});
const bundle = app.outputFiles.find(({ path }) => path.endsWith(".js"))?.text ?? "";
const buildHash = createHash("sha256").update(bundle).digest("hex");
for (const { path, text } of app.outputFiles) {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, path.endsWith(".js") ? text.replaceAll(BUILD, buildHash) : text);
}
await build({
  ...common,
  target: "node20",
  banner: { js: `#!/usr/bin/env node\n${REQUIRE}` },
  entryPoints: { reflex: "cli/main.ts" },
  outdir: "dist/cli",
});
