import { promises as dns, type LookupAddress } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";

/** Which addresses besides public ones may be reached. Link-local and metadata addresses never may. */
export interface Reach {
  /** This machine itself, for stand-ins. */
  readonly loopback: boolean;
  /** Private, unique-local and carrier-grade addresses. */
  readonly private: boolean;
}

/** All addresses of a host name, as the system's resolver gives them. */
export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>;

/** A host name led to an address that may not be reached; `code` marks it where only codes survive. */
export class ForbiddenAddress extends Error {
  static readonly CODE = "EFORBIDDENADDRESS";
  readonly code = ForbiddenAddress.CODE;

  constructor(hostname: string) {
    super(`${hostname} leads to an address that may not be reached`);
    this.name = "ForbiddenAddress";
  }
}

const LOOPBACK = listOf([
  ["127.0.0.0", 8, "ipv4"],
  ["::1", 128, "ipv6"],
]);
const PRIVATE = listOf([
  ["10.0.0.0", 8, "ipv4"],
  ["172.16.0.0", 12, "ipv4"],
  ["192.168.0.0", 16, "ipv4"],
  ["100.64.0.0", 10, "ipv4"],
  ["fc00::", 7, "ipv6"],
]);
/** What IANA's registries of special-purpose addresses and Azure's own platform keep from the Internet. */
const SPECIAL = listOf([
  ["0.0.0.0", 8, "ipv4"],
  // Instance metadata and identity, and the platform's channel to a machine.
  ["169.254.0.0", 16, "ipv4"],
  ["168.63.129.16", 32, "ipv4"],
  ["192.0.0.0", 24, "ipv4"],
  ["192.0.2.0", 24, "ipv4"],
  ["192.88.99.0", 24, "ipv4"],
  ["198.18.0.0", 15, "ipv4"],
  ["198.51.100.0", 24, "ipv4"],
  ["203.0.113.0", 24, "ipv4"],
  ["224.0.0.0", 3, "ipv4"],
  // Teredo, ORCHID, documentation and 6to4 lie inside the global range.
  ["2001::", 23, "ipv6"],
  ["2001:db8::", 32, "ipv6"],
  ["2002::", 16, "ipv6"],
  ["3fff::", 20, "ipv6"],
]);
const GLOBAL_V6 = listOf([["2000::", 3, "ipv6"]]);
const MAPPED_V4 = listOf([["::ffff:0:0", 96, "ipv6"]]);

/** May this IP address be connected to? An IPv4 address written as IPv6 counts as what it is; what is none may not. */
export function mayReach(address: string, reach: Reach): boolean {
  const plain = address.replace(/^\[|\]$/g, "");
  const family = isIP(plain);
  // A zone (fe80::1%eth0) stands behind link-local addresses only.
  if (family === 0 || plain.includes("%")) return false;
  const kind = family === 4 ? "ipv4" : "ipv6";
  if (LOOPBACK.check(plain, kind)) return reach.loopback;
  if (PRIVATE.check(plain, kind)) return reach.private;
  if (SPECIAL.check(plain, kind)) return false;
  return family === 4 || GLOBAL_V6.check(plain, kind) || MAPPED_V4.check(plain, kind);
}

/**
 * The addresses of a host name, IPv4 first, if all of them may be reached. One that may not refuses them all: nobody
 * honest publishes both. Raises `ForbiddenAddress`, or what the resolver raises.
 */
export async function resolveOutside(
  hostname: string,
  reach: Reach,
  resolve: Resolve = systemResolve,
): Promise<readonly LookupAddress[]> {
  const addresses = await resolve(hostname);
  if (addresses.length === 0 || addresses.some(({ address }) => !mayReach(address, reach))) {
    throw new ForbiddenAddress(hostname);
  }
  return addresses.toSorted((a, b) => a.family - b.family);
}

/**
 * The resolver of a socket: what it lets through is what is connected to, so that no second answer of a name server
 * can take the place of the checked one. Addresses written as such never come here: check them with `mayReach`.
 */
export function guardedLookup(reach: Reach, resolve?: Resolve): LookupFunction {
  return (hostname, options, callback) => {
    resolveOutside(hostname, reach, resolve).then(
      (addresses) => {
        const [first] = addresses;
        if (options.all === true || first === undefined) callback(null, [...addresses]);
        else callback(null, first.address, first.family);
      },
      (error: unknown) => callback(error instanceof Error ? error : new Error("unknown error"), []),
    );
  };
}

const systemResolve: Resolve = (hostname) => dns.lookup(hostname, { all: true });

function listOf(nets: readonly (readonly [string, number, "ipv4" | "ipv6"])[]): BlockList {
  const list = new BlockList();
  for (const [net, prefix, family] of nets) list.addSubnet(net, prefix, family);
  return list;
}
