import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

/** One import of a source file: as written, resolved to a path from the root where it is ours, and erased when built? */
export interface Import {
  readonly text: string;
  readonly path: string | null;
  readonly typeOnly: boolean;
}

/** A source file with what it imports. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly lines: number;
  readonly imports: readonly Import[];
}

const IMPORTS =
  /(?:^|\n)\s*(?:import|export)\s+(type\s+)?(?:[^"';]*?\sfrom\s+)?"([^"]+)"|\bimport\(\s*"([^"]+)"\s*\)/g;

/** All TypeScript files under the given folders of a root. */
export function readSources(root: string, folders: readonly string[]): readonly SourceFile[] {
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
      .map((entry) => sourceOf(root, join(entry.parentPath, entry.name))),
  );
}

function sourceOf(root: string, file: string): SourceFile {
  const text = readFileSync(file, "utf8");
  const imports = [...text.matchAll(IMPORTS)].map(([, type, from = "", dynamic = ""]): Import => {
    const written = from === "" ? dynamic : from;
    const path = written.startsWith(".") ? relative(root, resolve(dirname(file), written)) : null;
    return { text: written, path, typeOnly: type !== undefined };
  });
  return { path: relative(root, file), text, lines: text.split("\n").length - 1, imports };
}
