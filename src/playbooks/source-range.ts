import { isIPv4, isIPv6 } from "node:net";

/** A range of addresses as bits: the first address, and how many bits are fixed. */
interface Range {
  readonly bits: 32 | 128;
  readonly first: bigint;
  readonly prefix: number;
}

/** Is it a range as the API server takes it: an address, a prefix, and no bits beyond that? */
export function isSourceRange(text: string): boolean {
  return parse(text) !== null;
}

/** Does one range hold every address of another? What is no range holds none. */
export function holdsRange(outer: string, inner: string): boolean {
  const [large, small] = [parse(outer), parse(inner)];
  if (large === null || small === null || large.bits !== small.bits || large.prefix > small.prefix)
    return false;
  const beyond = BigInt(large.bits - large.prefix);
  return large.first >> beyond === small.first >> beyond;
}

function parse(text: string): Range | null {
  const [, address = "", length = ""] = /^([0-9a-fA-F.:]+)\/(0|[1-9]\d{0,2})$/.exec(text) ?? [];
  const bits = isIPv4(address) ? 32 : isIPv6(address) ? 128 : null;
  const prefix = Number(length);
  if (bits === null || prefix > bits) return null;
  const first = bits === 32 ? fromParts(address.split("."), 10, 8n) : fromParts(spelledOut(address), 16, 16n);
  const beyond = BigInt(bits - prefix);
  return (first >> beyond) << beyond === first ? { bits, first, prefix } : null;
}

function fromParts(parts: readonly string[], base: 10 | 16, width: bigint): bigint {
  return parts.reduce((sum, part) => (sum << width) | BigInt(Number.parseInt(part, base)), 0n);
}

/** The eight groups of an address, of which `::` leaves some out and an IPv4 address at the end writes two. */
function spelledOut(address: string): string[] {
  const plain = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_all, ...four: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = four.map(Number);
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
  const [before = "", after] = plain.split("::");
  const groups = (half: string): string[] => half.split(":").filter((group) => group !== "");
  const [head, tail] = [groups(before), groups(after ?? "")];
  return [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => "0"), ...tail];
}
