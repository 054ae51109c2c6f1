import { defineConfig } from "vitest/config";

// What has to wait for the list of the whole run: do the tests that the pages name exist, and did they pass?
export default defineConfig({
  test: {
    include: ["test/pages/**/*.test.ts"],
    environment: "node",
    expect: { requireAssertions: true },
    reporters: ["default"],
  },
});
