import { isLoopback } from "../src/clients/loopback.ts";
import { type CommandIo, setting } from "./command-io.ts";
import { readLocalStart } from "./local-start.ts";
import { Stop } from "./stop.ts";

/** Where the API is, ending in a slash, and the key that opens it. */
export interface ApiAddress {
  readonly url: URL;
  readonly key: string | undefined;
  /** Where a local start gives tokens for itself; undefined for every other address. */
  readonly tokenUrl: URL | undefined;
}

/**
 * The address from `--url` or REFLEX_URL with the key from REFLEX_KEY; without an address, the local start of this
 * folder. A local start's key and tokens go to that start only. Raises `Stop`.
 */
export async function findApi(io: CommandIo, option: string | undefined): Promise<ApiAddress> {
  const given = option ?? setting(io, "REFLEX_URL");
  const base = given === undefined ? undefined : baseOf(given);
  const key = setting(io, "REFLEX_KEY");
  const local = base === undefined || isLoopback(base.hostname) ? await readLocalStart(io) : null;
  if (local !== null) {
    const own = baseOf(local.url);
    const address = { url: base ?? own, tokenUrl: new URL(local.token) };
    if (base === undefined) return { ...address, key: local.key };
    if (isSame(base, own)) return { ...address, key: key ?? local.key };
  }
  if (base !== undefined) return { url: base, key, tokenUrl: undefined };
  throw new Stop(
    2,
    "there is no address of the API: set REFLEX_URL (and REFLEX_KEY), or run `npm start` in this folder",
  );
}

/** This machine has several names. */
function isSame(one: URL, other: URL): boolean {
  const bothHere = isLoopback(one.hostname) && isLoopback(other.hostname) && one.port === other.port;
  return bothHere || one.href === other.href;
}

function baseOf(text: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new Stop(
      2,
      `the address ${JSON.stringify(text)} is no URL; give one such as https://my-app.azurewebsites.net`,
    );
  }
  if (url.username !== "" || url.password !== "")
    throw new Stop(2, "the address of the API holds a password; remove it, the key is read from REFLEX_KEY");
  // The key would travel readable.
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopback(url.hostname)))
    throw new Stop(2, `the address ${url.href} is not safe for a key; use https (http only on this machine)`);
  return new URL(`${url.origin}${url.pathname.replace(/\/*$/, "/")}`);
}
