import { BadRequest } from "./problem.ts";

const MOST_BYTES = 64 * 1024;
/** Deeper than any body of the API by far; whoever walks a value must not run out of stack. */
const MOST_DEPTH = 32;
/** Names that lead to the prototype of all objects where a value is copied carelessly. */
const REFUSED_KEYS = ["__proto__", "constructor", "prototype"];

/** Text of a request's body as JSON, of bounded size and depth. Raises `BadRequest`, which says what is wrong. */
export function bodyJson(text: string): unknown {
  const bytes = Buffer.byteLength(text);
  if (bytes > MOST_BYTES) throw new BadRequest(`The body has over ${MOST_BYTES} characters. Send less.`, 413);
  if (text.trim() === "") throw new BadRequest("The body is empty. Send a JSON object.");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new BadRequest("The body is not JSON. Send a JSON object.");
  }
  mustBePlain(value);
  return value;
}

/** Walks without recursion, level by level. */
function mustBePlain(value: unknown): void {
  let level: readonly unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MOST_DEPTH)
      throw new BadRequest(`The body nests deeper than ${MOST_DEPTH} levels. Send less.`);
    const objects = level.filter((one) => typeof one === "object" && one !== null);
    const key = objects.flatMap((one) => Object.keys(one)).find((name) => REFUSED_KEYS.includes(name));
    if (key !== undefined) throw new BadRequest(`The body has a key ${key}. Leave it out.`);
    level = objects.flatMap((one): unknown[] => Object.values(one));
  }
}
