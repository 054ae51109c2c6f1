import { parse } from "yaml";
import { z } from "zod";
import { Refused } from "../../model/errors.ts";

/** How to reach one cluster: all that is used of a kubeconfig. Nothing in it runs a program or reads a file. */
export interface ClusterAccess {
  readonly server: string;
  /** Base64 of PEM, as in the file; undefined: the system's authorities. */
  readonly authority: string | undefined;
  readonly serverName: string | undefined;
  readonly token: string | undefined;
  /** Base64 of PEM. */
  readonly certificate: { readonly data: string; readonly key: string } | undefined;
}

const settings = z.record(z.string(), z.unknown());
const kubeconfigSchema = z.object({
  "current-context": z.string().optional(),
  contexts: z.array(
    z.object({ name: z.string(), context: z.object({ cluster: z.string(), user: z.string() }) }),
  ),
  clusters: z.array(z.object({ name: z.string(), cluster: settings })),
  users: z.array(z.object({ name: z.string(), user: settings })),
});

const FLATTEN = "Give a kubeconfig with embedded data, as `kubectl config view --raw --flatten` prints it.";
const TOKEN = "Use a service account's token or a client certificate: infra/kubernetes holds the account.";

/** Settings that are refused by name, because they run a program, read a file or weaken what we rely on. */
const REFUSED: Readonly<Record<string, string>> = {
  exec: TOKEN,
  "auth-provider": TOKEN,
  username: TOKEN,
  password: TOKEN,
  as: TOKEN,
  tokenFile: FLATTEN,
  "client-certificate": FLATTEN,
  "client-key": FLATTEN,
  "certificate-authority": FLATTEN,
  "proxy-url": "Reach the API server without a proxy.",
  "insecure-skip-tls-verify":
    "Give certificate-authority-data: a server that is not verified gets no credential.",
};

/**
 * Reads the one context (null: the current one) out of a kubeconfig. Raises `Refused` for whatever is malformed or
 * missing, for programs, files, proxies and unverified servers, and for plain HTTP to another machine.
 */
export function readKubeconfig(text: string, contextName: string | null): ClusterAccess {
  const config = parseKubeconfig(text);
  const wanted = contextName ?? config["current-context"];
  const context = config.contexts.find(({ name }) => name === wanted)?.context;
  if (context === undefined) {
    throw refusal(`has no context ${wanted ?? "and names no current one"}`, "Name one of its contexts.");
  }
  const cluster = config.clusters.find(({ name }) => name === context.cluster)?.cluster;
  const user = config.users.find(({ name }) => name === context.user)?.user;
  if (cluster === undefined || user === undefined) {
    throw refusal(`lacks the cluster or the user of context ${wanted}`, FLATTEN);
  }
  const server = checkedServer(textOf(cluster, "server"));
  for (const [setting, value] of [...Object.entries(cluster), ...Object.entries(user)]) {
    const advice = Object.hasOwn(REFUSED, setting) ? REFUSED[setting] : undefined;
    // On loopback without TLS there is nothing to verify, and other clients want it said.
    const idle = setting === "insecure-skip-tls-verify" && server.startsWith("http:");
    if (advice !== undefined && !idle && value !== false && value !== null && value !== "") {
      throw refusal(`uses ${setting}, which is not allowed`, advice);
    }
  }
  return {
    server,
    authority: textOf(cluster, "certificate-authority-data"),
    serverName: textOf(cluster, "tls-server-name"),
    ...credentialOf(user),
  };
}

function parseKubeconfig(text: string): z.infer<typeof kubeconfigSchema> {
  try {
    return kubeconfigSchema.parse(parse(text));
  } catch {
    // The parser's message quotes the file, and so perhaps a token: it is not passed on.
    throw refusal("is not valid", "Give the text of a kubeconfig: YAML with contexts, clusters and users.");
  }
}

function checkedServer(server: string | undefined): string {
  const url = server === undefined ? null : URL.parse(server);
  if (
    url === null ||
    !["https:", "http:"].includes(url.protocol) ||
    url.username !== "" ||
    url.search !== ""
  ) {
    throw refusal("has no valid server address", "Give `server` as https://name:port.");
  }
  if (url.protocol === "http:" && !/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname)) {
    throw refusal("wants plain HTTP to another machine", "Give `server` as https://name:port.");
  }
  return url.href.replace(/\/$/, "");
}

function credentialOf(user: Record<string, unknown>): Pick<ClusterAccess, "token" | "certificate"> {
  const token = textOf(user, "token");
  const data = textOf(user, "client-certificate-data");
  const key = textOf(user, "client-key-data");
  const certificate = data !== undefined && key !== undefined ? { data, key } : undefined;
  if (token === undefined && certificate === undefined) {
    throw refusal("has no credential for its user", TOKEN);
  }
  return { token, certificate };
}

function textOf(of: Record<string, unknown>, key: string): string | undefined {
  const value = of[key];
  return typeof value === "string" && value !== "" ? value : undefined;
}

function refusal(what: string, advice: string): Refused {
  return new Refused(`The kubeconfig ${what}.`, advice);
}
