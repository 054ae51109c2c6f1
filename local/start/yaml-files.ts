import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { z } from "zod";

const objectSchema = z.looseObject({ apiVersion: z.string(), kind: z.string() });

/** A Kubernetes object as a manifest holds it. */
export type Manifest = z.infer<typeof objectSchema>;

/** All objects of the YAML files of a folder, in the order of the file names. Raises an error that names the file. */
export function readManifests(folder: string): Manifest[] {
  const files = readdirSync(folder).filter((name) => name.endsWith(".yaml"));
  return files.sort().flatMap((name) => {
    const file = join(folder, name);
    const documents = parseAllDocuments(readFileSync(file, "utf8"));
    return documents.map((document) => {
      const parsed = objectSchema.safeParse(document.toJS());
      if (!parsed.success) throw new Error(`${file} holds something that is no Kubernetes object.`);
      return parsed.data;
    });
  });
}
