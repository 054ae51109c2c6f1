import { z } from "zod";
import { targetSchema } from "../../src/model/target.ts";

const remediationSchema = z.object({
  id: z.string(),
  playbook: z.string(),
  state: z.string(),
  proof: z.string().nullable(),
  reason: z.string(),
  remains: z.array(z.string()),
  rule: z.object({ name: z.string() }),
  target: targetSchema,
  updatedAt: z.string(),
});
const pageSchema = z.object({ remediations: z.array(remediationSchema), next: z.string().nullable() });

/** What is shown of a remediation, as the API gives it. */
export type Shown = z.infer<typeof remediationSchema>;

/** The product's HTTP API, and the tick with which the host lets the sweep run now. */
export interface Api {
  /** The newest remediations, at most 500. */
  newest(): Promise<readonly Shown[]>;
  revert(id: string, reason: string): Promise<Shown>;
  sweep(): Promise<void>;
}

/** With what a client is let in: the key of the host, and where a token of the local tenant is to be had. */
export interface Entry {
  readonly key: string;
  /** Address that answers with a token. */
  readonly token: string;
}

const tokenSchema = z.object({ token: z.string() });

/** A client of the API at `url`. Errors name the request and its status. */
export function openApi(url: string, { key, token }: Entry): Api {
  const headers = async () => ({
    "x-functions-key": key,
    authorization: `Bearer ${tokenSchema.parse(await (await fetch(token)).json()).token}`,
    "content-type": "application/json",
  });
  const call = async (path: string, init: RequestInit = {}): Promise<unknown> => {
    const response = await fetch(`${url}${path}`, { ...init, headers: await headers() });
    const text = await response.text();
    if (!response.ok) throw new Error(`${init.method ?? "GET"} ${path} gave ${response.status}: ${text}`);
    return JSON.parse(text);
  };
  return {
    newest: async () => pageSchema.parse(await call("/api/remediations?limit=500")).remediations,
    async revert(id, reason) {
      const body = JSON.stringify({ reason });
      return remediationSchema.parse(await call(`/api/remediations/${id}/revert`, { method: "POST", body }));
    },
    async sweep() {
      await call("/_host/tick/sweep", { method: "POST" });
    },
  };
}
