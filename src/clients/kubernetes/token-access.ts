import { X509Certificate } from "node:crypto";
import { Permanent } from "../../model/errors.ts";
import type { ClusterConnect } from "../../model/rule.ts";
import { isLoopback } from "../loopback.ts";
import type { LiveAccess } from "./live-access.ts";

/** What is read where. */
export interface TokenMeans {
  /** A setting; undefined where there is none of that name. */
  readonly setting: (name: string) => string | undefined;
  /** Lets through http to this machine, for stand-ins. */
  readonly allowLoopback: boolean;
}

type ByToken = Extract<ClusterConnect, { kind: "token" }>;

/**
 * The way to a cluster with a service account's token. Everything is checked here and now, so that the app does not
 * start on a bad one: raises `Permanent` that names what is missing or wrong, never a value.
 */
export function tokenAccess(name: string, connect: ByToken, means: TokenMeans): LiveAccess {
  const { server, caSetting, tokenSetting } = connect;
  checkServer(name, server, means.allowLoopback);
  const authority = caSetting === null ? undefined : authorityIn(name, caSetting, means);
  const token = (): string => tokenIn(name, tokenSetting, means);
  token();
  return {
    locate: async () => ({ server: server.replace(/\/$/, ""), authority }),
    token: async () => token(),
    moves: false,
    advice: {
      unauthorized: `Renew the token in the setting ${tokenSetting}, then restart the app: cluster ${name} does not know it.`,
      untrusted: `Correct the certificate authority of cluster ${name} (caSetting): its server is not verified by it.`,
      strange: `Check the server of cluster ${name} in the configuration and any proxy in between.`,
    },
  };
}

/** Raises `Permanent` unless a token may go there: https, or http to this machine where that is allowed. */
export function checkServer(name: string, server: string, allowLoopback: boolean): void {
  const url = URL.parse(server);
  if (url?.protocol === "https:") return;
  if (url?.protocol === "http:" && allowLoopback && isLoopback(url.hostname)) return;
  throw new Permanent(
    `The server of cluster ${name} is not an https address.`,
    "Give `server` as https://name:port: a token goes to nobody else.",
  );
}

function settingOf(name: string, settingName: string, { setting }: TokenMeans): string {
  const value = setting(settingName)?.trim() ?? "";
  if (value === "") {
    throw new Permanent(
      `The setting ${settingName} of cluster ${name} is missing or empty.`,
      "Add it to the app's settings, or take the cluster out of the configuration.",
    );
  }
  // The platform leaves the reference itself where it could not read the secret.
  if (value.startsWith("@Microsoft.KeyVault(")) {
    throw new Permanent(
      `The setting ${settingName} of cluster ${name} is a Key Vault reference that was not resolved.`,
      "Look at the reference in the portal: the secret, the vault's network or the right to read it is missing.",
    );
  }
  return value;
}

function tokenIn(name: string, settingName: string, means: TokenMeans): string {
  return tokenFrom(settingOf(name, settingName, means), `setting ${settingName} of cluster ${name}`);
}

/** The token, once it is sure that it is one; `where` names its place. Raises `Permanent`, without the value. */
export function tokenFrom(value: string, where: string): string {
  const token = value.trim();
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new Permanent(`The ${where} is no token.`, "Put the bare token of the service account there.");
}

/** The authority that a setting holds, see `authorityFrom`. Raises `Permanent` where there is no such setting. */
export function authorityIn(name: string, settingName: string, means: TokenMeans): string {
  return authorityFrom(settingOf(name, settingName, means), `setting ${settingName} of cluster ${name}`);
}

/** Base64 of the PEM that a text holds as it is, or in base64 as a kubeconfig has it. Raises `Permanent`, without the value. */
export function authorityFrom(text: string, where: string): string {
  const value = text.trim();
  const pem = value.startsWith("-----BEGIN") ? value : Buffer.from(value, "base64").toString("utf8");
  try {
    new X509Certificate(pem);
  } catch {
    throw new Permanent(
      `The ${where} holds no certificate.`,
      "Put the certificate authority there, as PEM or as certificate-authority-data of a kubeconfig.",
    );
  }
  return Buffer.from(pem).toString("base64");
}
