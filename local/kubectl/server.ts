import { request as overHttp } from "node:http";
import { request as overHttps } from "node:https";
import { buffer } from "node:stream/consumers";
import { z } from "zod";

/** Where the API server is, and as whom it is asked. */
export interface Server {
  readonly url: string;
  readonly authority: string | undefined;
  readonly token: string;
}

const configSchema = z.object({
  clusters: z
    .array(
      z.object({
        cluster: z.object({ server: z.string(), "certificate-authority-data": z.string().optional() }),
      }),
    )
    .length(1),
  users: z.array(z.object({ user: z.object({ token: z.string() }) })).length(1),
});

/** The one server of a kubeconfig that is written as JSON. */
export function serverOf(kubeconfig: string): Server {
  const { clusters, users } = configSchema.parse(JSON.parse(kubeconfig));
  const [at] = clusters;
  const data = at?.cluster["certificate-authority-data"];
  return {
    url: at?.cluster.server ?? "",
    authority: data === undefined ? undefined : Buffer.from(data, "base64").toString("utf8"),
    token: users[0]?.user.token ?? "",
  };
}

/** Sends one request, and gives the whole answer with the API server's warnings. */
export async function exchange(
  { url, authority, token }: Server,
  asked: {
    readonly method: string;
    readonly path: string;
    readonly type?: string;
    readonly body?: Buffer | undefined;
  },
): Promise<{ readonly status: number; readonly body: Buffer; readonly warnings: readonly string[] }> {
  const { method, path, type, body } = asked;
  const send = url.startsWith("https:") ? overHttps : overHttp;
  return new Promise((done, fail) => {
    const request = send(`${url}${path}`, {
      method,
      ...(authority === undefined ? {} : { ca: authority }),
      headers: {
        accept: "application/json, */*",
        authorization: `Bearer ${token}`,
        ...(body === undefined
          ? {}
          : { "content-type": type ?? "application/json", "content-length": body.length }),
      },
    });
    request.on("error", fail).on("response", (response) => {
      const warnings = String(response.headers["warning"] ?? "");
      buffer(response).then(
        (bytes) => done({ status: response.statusCode ?? 0, body: bytes, warnings: wordsIn(warnings) }),
        fail,
      );
    });
    request.end(body);
  });
}

function wordsIn(warnings: string): string[] {
  return [...warnings.matchAll(/299 [^ ]+ "((?:[^"\\]|\\.)*)"/g)].map(([, text = ""]) =>
    text.replace(/\\(.)/g, "$1"),
  );
}
