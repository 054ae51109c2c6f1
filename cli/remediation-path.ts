import { Stop } from "./stop.ts";

/** The API's path of a remediation. Raises `Stop` for what is no id, which must not become another path. */
export function remediationPath(id: string): string {
  if (/^[\w-]{1,100}$/.test(id)) return `api/remediations/${id}`;
  throw new Stop(2, `${JSON.stringify(id)} is no id of a remediation; look it up with \`reflex list\``);
}
