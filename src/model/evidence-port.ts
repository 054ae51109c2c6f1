/** What may be read of the place where evidence is kept. Errors: `Retryable` (no answer, throttled), `Permanent` (401, 403, no such container). */
export interface EvidenceReader {
  /** Where that is, for people and for the plan: account and container. */
  readonly place: string;
  /** A kept file as it was written; null: there is none of that name. */
  read(name: string): Promise<Uint8Array | null>;
  /** The names of all files whose names begin so, in order. */
  list(prefix: string): Promise<readonly string[]>;
}

/**
 * Keeps evidence outside of what it is about. What is there is never written again and never deleted. Names are words of
 * letters, digits, `.`, `_` and `-`, joined by `/`; another one raises `Refused`. Other errors as in `EvidenceReader`.
 */
export interface EvidenceStore extends EvidenceReader {
  /** Keeps a file under a name that nobody has; `there`: somebody has it, and what he wrote stays. */
  put(name: string, bytes: Uint8Array): Promise<"kept" | "there">;
}

/** Where the evidence of a remediation is: its list of files, and the SHA-256 of that list, in hexadecimal digits. */
export interface KeptEvidence {
  readonly place: string;
  readonly manifest: string;
  readonly sha256: string;
}
