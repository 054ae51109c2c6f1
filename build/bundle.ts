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

await build({
  ...common,
  target: "node22",
  banner: { js: REQUIRE },
  // One file: what is imported when first needed is initialised then.
  entryPoints: { main: "src/main.ts" },
  outdir: "dist",
});
await build({
  ...common,
  target: "node20",
  banner: { js: `#!/usr/bin/env node\n${REQUIRE}` },
  entryPoints: { reflex: "cli/main.ts" },
  outdir: "dist/cli",
});
