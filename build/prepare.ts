import { spawnSync } from "node:child_process";
import { chmod, mkdir, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";

/**
 * After an install: builds, and links the command, since npm does not link a package's own `bin`. Without the
 * development dependencies (an app that is packed for Azure is already built) there is nothing to do.
 */
const canBuild = (() => {
  try {
    createRequire(import.meta.url).resolve("esbuild");
    return true;
  } catch {
    return false;
  }
})();

if (canBuild) {
  const built = spawnSync(process.execPath, ["build/bundle.ts"], { stdio: "inherit" });
  if (built.status !== 0) throw new Error("the build failed; see above");
  const link = "node_modules/.bin/reflex";
  await mkdir("node_modules/.bin", { recursive: true });
  await rm(link, { force: true });
  await symlink("../../dist/cli/reflex.js", link);
  await chmod("dist/cli/reflex.js", 0o755);
}
