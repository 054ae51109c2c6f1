import type { SourceFile } from "./source-files.ts";

/** The floors of `src/`, highest first; the folders of one floor are siblings and do not import each other. */
const FLOORS: readonly (readonly string[])[] = [
  ["main.ts"],
  ["functions"],
  ["engine"],
  ["signals", "rules", "playbooks", "store", "notify", "console"],
  ["clients"],
  ["model"],
];

const LONGEST = 300;
const STORE_SDKS = ["@azure/data-tables", "@azure/storage-blob"];

interface Place {
  readonly floor: number;
  readonly room: string;
}

function placeOf(path: string): Place | null {
  const [top, room = ""] = path.split("/");
  if (top !== "src") return null;
  const floor = FLOORS.findIndex((rooms) => rooms.includes(room));
  return { floor, room };
}

/** Everything in which the sources break the rules of the house, one sentence each. */
export function breaches(files: readonly SourceFile[]): readonly string[] {
  return [...files.flatMap((file) => [...ofImports(file), ...ofText(file)]), ...cycles(files)];
}

function ofImports(file: SourceFile): string[] {
  const from = placeOf(file.path);
  if (from === null) return [];
  if (from.floor === -1) return [`${file.path} stands on no floor`];
  return file.imports.flatMap(({ path, text }) => {
    if (path === null) return ofPackage(file.path, from.room, text);
    const to = placeOf(path);
    if (to === null) return [`${file.path} imports ${path}, which is outside src`];
    if (to.floor < from.floor) return [`${file.path} imports upward: ${path}`];
    if (to.floor === from.floor && to.room !== from.room) return [`${file.path} imports sideways: ${path}`];
    return [];
  });
}

function ofPackage(path: string, room: string, name: string): string[] {
  const outside = name.startsWith("node:") ? [] : [name];
  return outside.flatMap((found) => {
    if (found === "@azure/functions")
      return room === "functions" ? [] : [`${path} imports ${found} outside functions/`];
    if (room === "model")
      return found === "zod" ? [] : [`${path} imports ${found}: model/ imports nothing but zod`];
    const isCloud = found.startsWith("@azure/") || found.startsWith("@kubernetes/");
    if (!isCloud || room === "clients") return [];
    return room === "store" && STORE_SDKS.includes(found) ? [] : [`${path} imports the cloud SDK ${found}`];
  });
}

function ofText({ path, text, lines }: SourceFile): string[] {
  const found: string[] = [];
  const isRoot = path === "src/main.ts" || path === "cli/main.ts";
  const isProduct = path.startsWith("src/") || path.startsWith("cli/");
  if (lines > LONGEST) found.push(`${path} has ${lines} lines; ${LONGEST} is the limit`);
  if (isProduct && !isRoot && /\bprocess\.env\b/.test(text)) found.push(`${path} reads process.env`);
  if (path.startsWith("src/") && !isRoot && /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(/.test(text)) {
    found.push(`${path} reads time or randomness by itself`);
  }
  return found;
}

/** Rings of imports that exist at run time; imports of types are erased. */
function cycles(files: readonly SourceFile[]): string[] {
  const edges = new Map(
    files.map((file) => [
      file.path,
      file.imports.flatMap(({ path, typeOnly }) => (path === null || typeOnly ? [] : [path])),
    ]),
  );
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path);
    if (at >= 0) {
      found.push(`imports in a ring: ${[...trail.slice(at), path].join(" -> ")}`);
      return;
    }
    if (done.has(path)) return;
    for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of edges.keys()) visit(path, []);
  return found;
}
