import { Refused } from "../model/errors.ts";

const MOST = 512;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*(?:\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/;
const PREFIX = /^(?:[A-Za-z0-9][A-Za-z0-9._-]*\/)*$/;

/** Raises `Refused` unless a file of evidence may be called so: nothing that a URL or a path would read otherwise. */
export function checkEvidenceName(name: string): void {
  if (name.length > MOST || !NAME.test(name)) throw refusal("file", name);
}

/** Raises `Refused` unless it is the beginning of such a name up to a `/`, or empty. */
export function checkEvidencePrefix(prefix: string): void {
  if (prefix.length > MOST || !PREFIX.test(prefix)) throw refusal("folder", prefix);
}

function refusal(what: string, name: string): Refused {
  return new Refused(
    `${JSON.stringify(name.slice(0, 300))} cannot be the name of a ${what} of evidence.`,
    "Report it: such a name is made by us.",
  );
}
