import { createHmac } from "node:crypto";
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, type JWK, SignJWT } from "jose";

/** How a token is signed: as Entra does, or as an attacker might. */
export type Signing =
  | "RS256"
  /** `alg: none`, without a signature. */
  | "none"
  /** `alg: HS256`, with the public key (PEM) as the secret. */
  | "HS256 with the public key"
  /** By a key of its own under the name of the issuer's. */
  | "another key"
  /** By a key that the issuer does not publish, under a name of its own. */
  | "unknown key";

/** A signer with keys of its own, and the public half as the issuer publishes it. */
export interface Signer {
  readonly jwks: { readonly keys: readonly JWK[] };
  sign(claims: Readonly<Record<string, unknown>>, how: Signing): Promise<string>;
}

const KID = "local-key-1";

/** Makes the issuer's keys, and those of an attacker when one is asked for. */
export async function createSigner(): Promise<Signer> {
  const own = await generateKeyPair("RS256", { extractable: true });
  const pem = await exportSPKI(own.publicKey);
  const jwk = { ...(await exportJWK(own.publicKey)), kid: KID, use: "sig", alg: "RS256" };
  let foreign: Promise<{ privateKey: CryptoKey }> | undefined;
  return {
    jwks: { keys: [jwk] },
    async sign(claims, how) {
      switch (how) {
        case "RS256":
          return bySigner(claims, KID, own.privateKey);
        case "none":
          return `${unsigned({ alg: "none" }, claims)}.`;
        case "HS256 with the public key": {
          const body = unsigned({ alg: "HS256", kid: KID }, claims);
          return `${body}.${createHmac("sha256", pem).update(body).digest("base64url")}`;
        }
        case "another key":
        case "unknown key": {
          foreign ??= generateKeyPair("RS256");
          const { privateKey } = await foreign;
          return bySigner(claims, how === "another key" ? KID : "nobodys-key", privateKey);
        }
      }
    },
  };
}

function bySigner(claims: Readonly<Record<string, unknown>>, kid: string, key: CryptoKey): Promise<string> {
  return new SignJWT({ ...claims }).setProtectedHeader({ alg: "RS256", typ: "JWT", kid }).sign(key);
}

function unsigned(header: object, claims: object): string {
  return [{ typ: "JWT", ...header }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
}
