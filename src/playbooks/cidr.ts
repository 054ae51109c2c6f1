import { BlockList } from "node:net";

/** A range of addresses as policies write it: `10.0.0.0/8`, `2001:db8::/32`. */
interface Range {
  readonly base: string;
  readonly length: number;
  readonly family: "ipv4" | "ipv6";
}

/** Is every address of the one range in the other? Ranges that cannot be read are in nothing, and nothing is in them. */
export function isInRange(inner: string, outer: string): boolean {
  const [one, other] = [rangeOf(inner), rangeOf(outer)];
  if (one === null || other === null || one.family !== other.family || one.length < other.length)
    return false;
  const list = new BlockList();
  list.addSubnet(other.base, other.length, other.family);
  return list.check(one.base, one.family);
}

/** Has the one range an address of the other? Of ranges that cannot be read it is assumed. */
export function overlap(one: string, other: string): boolean {
  if (rangeOf(one) === null || rangeOf(other) === null) return true;
  return isInRange(one, other) || isInRange(other, one);
}

function rangeOf(text: string): Range | null {
  const [, base = "", bits = ""] = /^([0-9a-fA-F:.]+)\/(\d{1,3})$/.exec(text) ?? [];
  const family = base.includes(":") ? "ipv6" : "ipv4";
  const length = Number(bits);
  if (base === "" || length > (family === "ipv6" ? 128 : 32)) return null;
  try {
    new BlockList().addAddress(base, family);
  } catch {
    return null;
  }
  return { base, length, family };
}
