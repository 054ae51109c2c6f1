import { isIP } from "node:net";
import { type AlertContext, ofType } from "./alert-context.ts";
import type { EntityNode } from "./entity-index.ts";
import { listOf, textOf } from "./json-value.ts";

/** Names under which ExtendedProperties say which address attacked, and which is our own. */
const ATTACKER_NAMES = ["attacker ip", "attacker ip address"];
const VICTIM_NAMES = ["victim ip", "victim ip address"];

/** Nobody's addresses: they stand for "any" and must never reach a deny rule. */
const UNSPECIFIED: ReadonlySet<string> = new Set(["0.0.0.0", "::"]);

function isAddress(text: string): boolean {
  return isIP(text) !== 0 && !text.includes("%") && !UNSPECIFIED.has(text);
}

function named(extended: ReadonlyMap<string, string>, names: readonly string[]): string[] {
  return names.flatMap((name) => (extended.get(name) ?? "").split(",").map((part) => part.trim()));
}

function addressOf(node: EntityNode): string {
  return textOf(node.fields.get("address"))?.trim() ?? "";
}

/**
 * Addresses of attackers: ip entities with threat intelligence, and what ExtendedProperties call the attacker. Where
 * neither is there, the address of the only ip entity. Never an address known to be the victim's own.
 */
export function attackerIps({ index, extended }: AlertContext): string[] {
  const own = new Set(named(extended, VICTIM_NAMES));
  for (const dns of ofType(index, "dns")) {
    const host = index.follow(dns, "hostIpAddress", "ip");
    if (host.state === "found") own.add(addressOf(host.node));
  }
  const ips = ofType(index, "ip");
  for (const ip of ips) if (ip.fields.get("asset") === true) own.add(addressOf(ip));
  const accused = [
    ...ips.filter((ip) => listOf(ip.fields.get("threatIntelligence")).length > 0).map(addressOf),
    ...named(extended, ATTACKER_NAMES),
  ].filter((address) => address !== "");
  const all = new Set(ips.map(addressOf));
  const meant = accused.length > 0 ? accused : all.size === 1 ? [...all] : [];
  return [...new Set(meant)].filter((address) => isAddress(address) && !own.has(address));
}
