import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { playbookTable, withTable } from "../../build/playbook-table.ts";
import { playbooks } from "../../src/playbooks/index.ts";
import { parseConfiguration } from "../../src/rules/index.ts";

const documents = [
  "README.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
  ...readdirSync("docs", { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

/** The fenced examples of a document in one language. */
function examples(language: string): { name: string; text: string }[] {
  return documents.flatMap((path) =>
    [...readFileSync(path, "utf8").matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, "g"))].map(
      ([, text = ""], index) => ({ name: `${path}, ${language} example ${index + 1}`, text }),
    ),
  );
}

describe("the documents", () => {
  it("show the table of playbooks as it is now", () => {
    const readme = readFileSync("README.md", "utf8");
    expect(withTable(readme, playbookTable(playbooks))).toBe(readme);
  });

  it.each(examples("json"))("hold JSON that parses: $name", ({ text }) => {
    expect(() => JSON.parse(text)).not.toThrow();
  });

  it.each(examples("yaml"))("hold YAML that parses, and configurations that are right: $name", ({ text }) => {
    const read: unknown = parse(text);
    expect(read).toBeDefined();
    if (typeof read === "object" && read !== null && "rules" in read) {
      expect(parseConfiguration(text, "example.yaml", playbooks)).not.toHaveProperty("errors");
    }
  });

  it("have at least one configuration among their examples", () => {
    expect(examples("yaml").filter(({ text }) => text.includes("rules:")).length).toBeGreaterThan(0);
  });

  it.each(documents)("link only to files that are there: %s", (path) => {
    const folder = path.includes("/") ? path.slice(0, path.lastIndexOf("/") + 1) : "";
    const links = [...readFileSync(path, "utf8").matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(
      ([, to = ""]) => to,
    );
    const missing = links.filter((to) => {
      try {
        readFileSync(`${folder}${to}`);
        return false;
      } catch (error) {
        return !(error instanceof Error && "code" in error && error.code === "EISDIR");
      }
    });
    expect(missing).toEqual([]);
  });
});
