import { z } from "zod";

/** Any JSON value. */
type JsonValue = z.infer<ReturnType<typeof z.json>>;

/** Reads outside objects and messages with nothing but HTTP: another client than the product's. */
export interface ReadBack {
  /** An object of the Kubernetes API by its path; null for 404. Raises an error on any other status than 200. */
  object(path: string): Promise<JsonValue>;
  /** The texts of all messages that a channel's stand-in has taken, oldest first. */
  messages(channel: Channel): Promise<readonly string[]>;
}

/** The channels of local/reflex.yaml. */
export type Channel = "teams" | "mail";

const teamsSchema = z.object({ messages: z.array(z.object({ card: z.json() })) });
const mailSchema = z.object({ messages: z.array(z.object({ subject: z.string(), body: z.string() })) });

/** Opens the stand-ins at these addresses for reading. */
export function openReadBack(
  cluster: { readonly url: string; readonly token: string },
  channels: Readonly<Record<Channel, string>>,
): ReadBack {
  const taken = async (channel: Channel): Promise<unknown> =>
    (await fetch(`${channels[channel]}/_stand-in/messages`)).json();
  return {
    async object(path) {
      const response = await fetch(`${cluster.url}${path}`, {
        headers: { authorization: `Bearer ${cluster.token}` },
      });
      const answer = z.json().parse(await response.json());
      if (response.status === 404) return null;
      if (!response.ok) throw new Error(`GET ${path} gave ${response.status}: ${JSON.stringify(answer)}`);
      return answer;
    },
    async messages(channel) {
      if (channel === "teams") {
        const { messages } = teamsSchema.parse(await taken(channel));
        return messages.map(({ card }) => JSON.stringify(card));
      }
      const { messages } = mailSchema.parse(await taken(channel));
      // Long lines are broken by a last `=` on the wire.
      return messages.map(({ subject, body }) => `${subject}\n${body.replaceAll(/=\r?\n/g, "")}`);
    },
  };
}

/** The value under a JSON pointer; null where there is none. */
export function valueAt(document: JsonValue, pointer: string): JsonValue {
  let value: JsonValue = document;
  for (const part of pointer.split("/").slice(1)) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return null;
    value = Reflect.get(value, key);
  }
  return value;
}
