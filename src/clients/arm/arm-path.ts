import { Permanent } from "../../model/errors.ts";

const LONGEST = 2_000;
/** What would end the path, begin another one, or be read as one by somebody on the way. */
const FORBIDDEN = /[?#%\\\p{C}\p{Z}]/u;
const SUBSCRIPTION = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * The path of a resource id, checked and encoded segment by segment: `/subscriptions/<guid>/…` or `/providers/…`. The id
 * may come from an alert, so it must not name anything else than it seems to. Raises `Permanent`.
 */
export function armPath(id: string): string {
  const [first, ...segments] = id.split("/");
  const [root, owner] = segments;
  const isRooted =
    first === "" &&
    ((root?.toLowerCase() === "subscriptions" && SUBSCRIPTION.test(owner ?? "")) ||
      root?.toLowerCase() === "providers");
  if (!isRooted || id.length > LONGEST || !segments.every(isName)) {
    throw new Permanent(
      "What should be asked of Azure is not the id of a resource.",
      "Look at the signal of this remediation: its resource id is malformed, or was forged.",
    );
  }
  return `/${segments.map(encodeURIComponent).join("/")}`;
}

/** One name of an id, encoded. Raises `Permanent` where it is none, or more than one. */
export function armSegment(name: string): string {
  if (isName(name) && !name.includes("/")) return encodeURIComponent(name);
  throw new Permanent(
    "What should be asked of Azure is not the name of a resource.",
    "Look at the signal of this remediation: a name in it is malformed, or was forged.",
  );
}

function isName(segment: string): boolean {
  return segment !== "" && !/^\.+$/.test(segment) && segment.isWellFormed() && !FORBIDDEN.test(segment);
}
