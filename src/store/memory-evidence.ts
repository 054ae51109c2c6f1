import type { EvidenceStore } from "../model/evidence-port.ts";
import { checkEvidenceName, checkEvidencePrefix } from "./evidence-names.ts";

/** A store of evidence in memory, with all that it keeps, by name. */
export interface MemoryEvidence extends EvidenceStore {
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** A store of evidence in memory that keeps, refuses and answers as the one in Azure does. Bytes are copied in and out. */
export function createMemoryEvidence(): MemoryEvidence {
  const files = new Map<string, Uint8Array>();
  return {
    place: "memory/evidence",
    files,
    async put(name, bytes) {
      checkEvidenceName(name);
      if (files.has(name)) return "there";
      files.set(name, new Uint8Array(bytes));
      return "kept";
    },
    async read(name) {
      checkEvidenceName(name);
      const kept = files.get(name);
      return kept === undefined ? null : new Uint8Array(kept);
    },
    async list(prefix) {
      checkEvidencePrefix(prefix);
      return [...files.keys()].filter((name) => name.startsWith(prefix)).toSorted();
    },
  };
}
