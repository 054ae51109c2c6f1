import { defineConfig } from "vitest/config";

// The tests that a mutation run asks: of what is mutated, and fast. What searches at random for seconds stays out.
export default defineConfig({
  test: {
    include: ["test/rules/**/*.test.ts", "test/signals/**/*.test.ts", "test/engine/**/*.test.ts"],
    exclude: [
      "test/signals/arbitrary-input.test.ts",
      "test/engine/model.test.ts",
      "test/engine/interleavings.test.ts",
      "test/engine/list-size.test.ts",
      "test/engine/crashes.test.ts",
    ],
    environment: "node",
    testTimeout: 30_000,
    expect: { requireAssertions: true },
  },
});
