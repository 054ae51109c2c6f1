import { Permanent } from "../../model/errors.ts";
import { isLoopback } from "../loopback.ts";

/** Resource Manager of the clouds that there are (Azure CLI, `az cloud list`): no other host ever gets a token of ours. */
const HOSTS = [
  "management.azure.com",
  "management.usgovcloudapi.net",
  "management.chinacloudapi.cn",
] as const;

/** Where Resource Manager is asked, and for which scope a token is. */
export interface ArmEndpoint {
  /** Origin of one of the clouds, always https. */
  readonly origin: string;
  readonly scope: string;
  /** Where requests really go: a stand-in on this machine; null: to the origin. */
  readonly standIn: URL | null;
}

/**
 * Checks the address of Resource Manager; that of the public cloud where none is given. An http address on loopback is
 * taken where that is allowed: it stands in for the public cloud. Raises `Permanent` on any other.
 */
export function armEndpoint(
  address: string | undefined,
  rules: { readonly allowLoopback: boolean },
): ArmEndpoint {
  if (address === undefined || address === "") return ofCloud(HOSTS[0]);
  const url = URL.parse(address);
  const isBare = url !== null && `${url.origin}/` === url.href;
  const host = HOSTS.find((one) => url?.origin === `https://${one}`);
  if (isBare && host !== undefined) return ofCloud(host);
  if (isBare && rules.allowLoopback && url.protocol === "http:" && isLoopback(url.hostname)) {
    return { ...ofCloud(HOSTS[0]), standIn: url };
  }
  throw new Permanent(
    "The address of Azure Resource Manager is not one that may be used.",
    `Set it to ${HOSTS.map((one) => `https://${one}`).join(", ")}, or leave it out for the first.`,
  );
}

function ofCloud(host: string): ArmEndpoint {
  return { origin: `https://${host}`, scope: `https://${host}/.default`, standIn: null };
}
