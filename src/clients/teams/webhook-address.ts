import { isIP } from "node:net";
import { Permanent } from "../../model/errors.ts";
import { isLoopback } from "../loopback.ts";
import { mayReach } from "../outside-address.ts";

/** Where Teams Workflows receives webhooks. */
const WORKFLOW_HOSTS = ["*.logic.azure.com", "*.environment.api.powerplatform.com"] as const;

/** Which addresses are let through. */
export interface WebhookRules {
  /** Host names; `*.` in front lets through all names below, not the name itself. Default: those of Teams Workflows. */
  readonly allowHosts?: readonly string[] | undefined;
  /** Lets through http and https to this machine, for stand-ins. */
  readonly allowLoopback?: boolean | undefined;
}

/**
 * Checks a webhook's address before anything is sent there. The address is a credential: errors name the host only.
 * Raises `Permanent`.
 */
export function webhookAddress(address: string, rules: WebhookRules): URL {
  const url = URL.parse(address.trim());
  if (url === null) {
    throw new Permanent(
      "The address of a Teams webhook is not a URL.",
      "Copy the whole address from the workflow into the setting.",
    );
  }
  if (url.username !== "" || url.password !== "") {
    throw new Permanent(
      `The Teams webhook at ${url.host} has a user name or password in its address.`,
      "Use the address as the workflow shows it.",
    );
  }
  const local = rules.allowLoopback === true && isLoopback(url.hostname);
  if (url.protocol !== "https:" && !(local && url.protocol === "http:")) {
    throw new Permanent(
      `The Teams webhook at ${url.host} is not an https address.`,
      "Use the https address that the workflow shows.",
    );
  }
  const hosts = rules.allowHosts ?? WORKFLOW_HOSTS;
  if (!local && !hosts.some((pattern) => matches(url.hostname, pattern.toLowerCase()))) {
    throw new Permanent(
      `The host ${url.host} is not one that Teams webhooks may be sent to.`,
      `Use the address of a Teams workflow (${hosts.join(", ")}), or allow this host.`,
    );
  }
  // A name is checked again at each connection; an address written as such is never asked of a resolver.
  const isAddress = isIP(url.hostname.replace(/^\[|\]$/g, "")) !== 0;
  if (isAddress && !mayReach(url.hostname, { loopback: local, private: false })) {
    throw new Permanent(
      `The Teams webhook at ${url.host} is an address that nothing is sent to.`,
      "Use the address as the workflow shows it.",
    );
  }
  return url;
}

function matches(hostname: string, pattern: string): boolean {
  return pattern.startsWith("*.") ? hostname.endsWith(pattern.slice(1)) : hostname === pattern;
}
