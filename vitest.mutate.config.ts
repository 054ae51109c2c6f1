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
      "test/engine/ingest.property.test.ts",
      "test/engine/parked-events.test.ts",
      "test/engine/claim-late.test.ts",
      "test/rules/matcher.property.test.ts",
      "test/rules/configuration-errors.test.ts",
    ],
    environment: "node",
    testTimeout: 30_000,
    expect: { requireAssertions: true },
  },
});
