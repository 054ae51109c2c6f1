import { configDefaults, defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // These read the list of this run, after it.
    exclude: [...configDefaults.exclude, "test/pages/**"],
    environment: "node",
    // Two cores: more workers than that only make timings worse.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // A test that asserts nothing is a test that cannot fail.
    expect: { requireAssertions: true },
    reporters: ["default", ["json", { outputFile: ".vitest/results.json" }]],
  },
});
