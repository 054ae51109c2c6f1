import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { LIST_GROUP, LIST_KIND, LIST_VERSION } from "../../model/admission-list.ts";
import { BLOCK_LIST, FIELD_MANAGER, OWN_NAMESPACE } from "../../model/incident-mark.ts";

const manifestSchema = z.looseObject({
  apiVersion: z.literal(`${LIST_GROUP}/${LIST_VERSION}`),
  kind: z.literal(LIST_KIND),
  metadata: z.looseObject({ name: z.literal(BLOCK_LIST), namespace: z.literal(OWN_NAMESPACE) }),
  spec: z.looseObject({ entries: z.record(z.string(), z.string()).nullish() }).nullish(),
});

/** The list of blocked images as a manifest; what else somebody wrote into it is kept. */
export type ListManifest = z.output<typeof manifestSchema>;

/** The list before the first entry. */
export const EMPTY_LIST: ListManifest = {
  apiVersion: `${LIST_GROUP}/${LIST_VERSION}`,
  kind: LIST_KIND,
  metadata: {
    name: BLOCK_LIST,
    namespace: OWN_NAMESPACE,
    labels: { "app.kubernetes.io/managed-by": FIELD_MANAGER },
  },
};

/** The manifest that a text is; null where it is another, several or none. */
export function readManifest(text: string): ListManifest | null {
  const parsed = manifestSchema.safeParse(documentIn(text));
  return parsed.success ? parsed.data : null;
}

/** Entries by key. */
export function entriesOf({ spec }: ListManifest): Readonly<Record<string, string>> {
  return spec?.entries ?? {};
}

/** The text of the manifest with these entries: JSON, which is YAML and leaves no word to be read as something else. */
export function writeManifest(manifest: ListManifest, entries: Readonly<Record<string, string>>): string {
  return `${JSON.stringify({ ...manifest, spec: { ...manifest.spec, entries } }, null, 2)}\n`;
}

/** Ours is JSON, and quick to read; an operator may have begun it as YAML. Null: it is neither, or several. */
function documentIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return yamlIn(text);
  }
}

function yamlIn(text: string): unknown {
  const [only, ...others] = parseAllDocuments(text);
  if (only === undefined || !("toJS" in only) || others.length > 0 || only.errors.length > 0) return null;
  try {
    // An alias could make much of little.
    return only.toJS({ maxAliasCount: 0 });
  } catch {
    return null;
  }
}
