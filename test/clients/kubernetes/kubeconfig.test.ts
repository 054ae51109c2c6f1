import { describe, expect, it } from "vitest";
import { createKubernetes } from "../../../src/clients/kubernetes/index.ts";
import { readKubeconfig } from "../../../src/clients/kubernetes/kubeconfig.ts";
import { Refused } from "../../../src/model/errors.ts";

interface Parts {
  readonly cluster?: object;
  readonly user?: object;
  readonly server?: string;
}

function kubeconfig({
  cluster = {},
  user = { token: "t0ken" },
  server = "https://api.example:6443",
}: Parts): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      { name: "one", cluster: { server, ...cluster } },
      { name: "two", cluster: { server: "https://two.example" } },
    ],
    users: [
      { name: "reflex", user },
      { name: "programmed", user: { exec: { command: "kubelogin" } } },
    ],
    contexts: [
      { name: "first", context: { cluster: "one", user: "reflex" } },
      { name: "second", context: { cluster: "two", user: "reflex" } },
      { name: "third", context: { cluster: "two", user: "programmed" } },
    ],
    "current-context": "first",
  });
}

describe("reading a kubeconfig", () => {
  it("takes the current context where none is named, and the named one otherwise", () => {
    expect(readKubeconfig(kubeconfig({}), null)).toMatchObject({
      server: "https://api.example:6443",
      token: "t0ken",
    });
    expect(readKubeconfig(kubeconfig({}), "second").server).toBe("https://two.example");
  });

  it("takes authority, server name and client certificate as embedded data", () => {
    const text = kubeconfig({
      cluster: { "certificate-authority-data": "Y2E=", "tls-server-name": "inner" },
      user: { "client-certificate-data": "Y2VydA==", "client-key-data": "a2V5" },
    });
    expect(readKubeconfig(text, null)).toEqual({
      server: "https://api.example:6443",
      authority: "Y2E=",
      serverName: "inner",
      token: undefined,
      certificate: { data: "Y2VydA==", key: "a2V5" },
    });
  });

  it.each<[string, Parts]>([
    ["exec", { user: { token: "t", exec: { command: "sh" } } }],
    ["auth-provider", { user: { token: "t", "auth-provider": { name: "azure" } } }],
    ["as", { user: { token: "t", as: "system:admin" } }],
    ["tokenFile", { user: { tokenFile: "/var/run/token" } }],
    ["password", { user: { password: "p" } }],
    ["client-key", { user: { "client-key": "/etc/key" } }],
    ["insecure-skip-tls-verify", { cluster: { "insecure-skip-tls-verify": true } }],
    ["certificate-authority", { cluster: { "certificate-authority": "/etc/ca" } }],
    ["proxy-url", { cluster: { "proxy-url": "http://proxy:3128" } }],
  ])("refuses %s by name, before anything is sent", (setting, parts) => {
    const open = () => createKubernetes({ kubeconfigText: kubeconfig(parts), context: null });
    expect(open).toThrow(Refused);
    expect(open).toThrow(new RegExp(`uses ${setting},`));
  });

  it("judges only the context that is used", () => {
    expect(readKubeconfig(kubeconfig({}), "first").token).toBe("t0ken");
    expect(() => readKubeconfig(kubeconfig({}), "third")).toThrow(/uses exec/);
  });

  it("allows skipping verification where there is nothing to verify", () => {
    const cluster = { "insecure-skip-tls-verify": true };
    expect(readKubeconfig(kubeconfig({ cluster, server: "http://127.0.0.1:8001" }), null).server).toBe(
      "http://127.0.0.1:8001",
    );
  });

  it.each(["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1"])(
    "allows plain HTTP to %s",
    (server) => {
      expect(readKubeconfig(kubeconfig({ server }), null).server).toBe(server);
    },
  );

  it.each([
    "http://api.example",
    "http://127.0.0.1.example",
    "http://localhost.example",
    "http://0.0.0.0:1",
    "https://user:pass@api.example",
    "https://api.example?x=1",
    "ftp://api.example",
    "api.example",
    "",
  ])("refuses the server address %j", (server) => {
    expect(() => readKubeconfig(kubeconfig({ server }), null)).toThrow(Refused);
  });

  it("refuses an unknown context, a user without credential and text that is no kubeconfig", () => {
    expect(() => readKubeconfig(kubeconfig({}), "fourth")).toThrow(/no context fourth/);
    expect(() => readKubeconfig(kubeconfig({ user: {} }), null)).toThrow(/no credential/);
    expect(() => readKubeconfig("[1, 2", null)).toThrow(Refused);
    expect(() => readKubeconfig("", null)).toThrow(Refused);
  });

  it("never quotes the file, which holds the credential", () => {
    const texts = [
      'users: [{name: x, user: {token: "s3cret]}',
      kubeconfig({ user: { token: "s3cret", exec: {} } }),
    ];
    for (const text of texts) {
      const refusal = refusalOf(text);
      expect(`${refusal.message} ${refusal.advice} ${String(refusal.cause)}`).not.toContain("s3cret");
    }
  });
});

function refusalOf(text: string): Refused {
  try {
    readKubeconfig(text, null);
  } catch (error) {
    if (error instanceof Refused) {
      return error;
    }
  }
  throw new Error("not refused");
}
