import { defineConfig } from "vitest/config";

// The tests that a mutation run asks: fast, and of what is mutated.
export default defineConfig({
  test: {
    include: ["test/rules/**/*.test.ts", "test/signals/**/*.test.ts", "test/engine/**/*.test.ts"],
    exclude: [
      "test/engine/model*.test.ts",
      "test/engine/interleavings*.test.ts",
      "test/engine/list*.test.ts",
    ],
    environment: "node",
    testTimeout: 30_000,
    expect: { requireAssertions: true },
  },
});
