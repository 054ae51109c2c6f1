import { Permanent } from "../../model/errors.ts";
import { isLoopback } from "../loopback.ts";

/** Whose word counts: one tenant, and tokens that were made for this app. */
export interface EntraSettings {
  /** Id of the tenant, lower-cased. */
  readonly tenant: string;
  /** Client id or `api://` URI of the app registration; lower-cased where it is an id. */
  readonly audiences: readonly string[];
  /** What a token of the tenant names as its issuer. */
  readonly issuer: string;
  /** Where the keys of the issuer are. */
  readonly keys: URL;
  /** The platform signs people in and says so in a header, and the operator wants that header to count. */
  readonly easyAuth: boolean;
}

const ISSUER_HOST = "login.microsoftonline.com";
const ID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
const API_URI = /^api:\/\/[\w./-]+$/i;

/**
 * Reads REFLEX_TENANT, REFLEX_AUDIENCE, REFLEX_TRUST_EASY_AUTH and, with REFLEX_LOCAL, REFLEX_ISSUER_KEYS. Raises
 * `Permanent`, naming the setting: without them nobody could be told apart.
 */
export function entraSettings(read: (name: string) => string | undefined): EntraSettings {
  const setting = (name: string) => read(name)?.trim() ?? "";
  const tenant = setting("REFLEX_TENANT").toLowerCase();
  if (!ID.test(tenant)) {
    throw wrong("REFLEX_TENANT", tenant, "set it to the id of your Entra tenant (a GUID, not a domain name)");
  }
  const trust = flagOf("REFLEX_TRUST_EASY_AUTH", setting("REFLEX_TRUST_EASY_AUTH"));
  return {
    tenant,
    audiences: audiencesOf(setting("REFLEX_AUDIENCE")),
    issuer: `https://${ISSUER_HOST}/${tenant}/v2.0`,
    keys: keysOf(setting("REFLEX_ISSUER_KEYS"), tenant, isLocal(setting)),
    easyAuth: trust && setting("WEBSITE_AUTH_ENABLED").toLowerCase() === "true",
  };
}

function audiencesOf(text: string): readonly string[] {
  const audiences = text.split(/[\s,]+/).filter((one) => one !== "");
  const odd = audiences.find((one) => !ID.test(one) && !API_URI.test(one));
  if (audiences.length === 0 || odd !== undefined) {
    throw wrong(
      "REFLEX_AUDIENCE",
      odd ?? "",
      "set it to the client id of the app registration or its api:// URI, several with commas between",
    );
  }
  return audiences.map((one) => (ID.test(one) ? one.toLowerCase() : one));
}

function keysOf(text: string, tenant: string, local: boolean): URL {
  if (text === "") return new URL(`https://${ISSUER_HOST}/${tenant}/discovery/v2.0/keys`);
  const url = URL.parse(text);
  // Whoever can name the keys can sign as anybody: elsewhere than on a developer's machine they are Entra's.
  if (local && url !== null && isLoopback(url.hostname)) return url;
  throw wrong(
    "REFLEX_ISSUER_KEYS",
    url === null ? text : url.host,
    "remove it: it is for a stand-in on this machine, together with REFLEX_LOCAL=true",
  );
}

function isLocal(setting: (name: string) => string): boolean {
  const local = flagOf("REFLEX_LOCAL", setting("REFLEX_LOCAL"));
  if (local && setting("WEBSITE_INSTANCE_ID") !== "") {
    throw wrong("REFLEX_LOCAL", "true", "remove it: it lets stand-ins in, and this app runs in Azure");
  }
  return local;
}

function flagOf(name: string, text: string): boolean {
  if (text !== "" && text !== "true" && text !== "false") throw wrong(name, text, "use true or false");
  return text === "true";
}

function wrong(name: string, value: string, what: string): Permanent {
  const is = value === "" ? "is not set" : `is ${value.slice(0, 100)}`;
  return new Permanent(
    `${name} ${is}; the app does not start: ${what}.`,
    "docs/access.md lists the settings.",
  );
}
